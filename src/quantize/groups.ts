/** Sets of names that belong together (union-find); a group is called by its first member. */
export interface Groups {
  join(names: readonly string[]): void;
  /** Every name ever joined → the name of its group. */
  all(): Map<string, string>;
}

export function createGroups(): Groups {
  const parent = new Map<string, string>();
  const find = (name: string): string => {
    let root = name;
    for (let up = parent.get(root); up !== undefined && up !== root; up = parent.get(root))
      root = up;
    parent.set(name, root);
    return root;
  };
  return {
    join(names) {
      const [first] = names;
      if (first === undefined) return;
      for (const name of names) {
        const [a, b] = [find(first), find(name)];
        if (a !== b) parent.set(b, a);
      }
    },
    all: () => new Map([...parent.keys()].map((name) => [name, find(name)])),
  };
}
