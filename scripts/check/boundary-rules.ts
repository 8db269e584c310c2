import type { IForbiddenRuleType } from "dependency-cruiser";
import { ONLY_IMPORTERS, ROOMS } from "./rooms.js";

const among = (rooms: readonly string[]): string => `^src/(${rooms.join("|")})/`;

/** Import rules as dependency-cruiser takes them, from the table of rooms. */
export function boundaryRules(): IForbiddenRuleType[] {
  return [...floorRules(), ...packageRules(), ...generalRules()];
}

function floorRules(): IForbiddenRuleType[] {
  return Object.entries(ROOMS).flatMap(([name, room]) => {
    const banned = Object.keys(ROOMS).filter((other) => other !== name && !mayImport(name, other));
    if (banned.length === 0) return [];
    return [
      {
        name: `floor-${name}`,
        severity: "error",
        comment: `${name} is on floor ${String(room.floor)} and may not see this room`,
        from: { path: among([name]) },
        to: { path: among(banned) },
      },
    ];
  });
}

function mayImport(name: string, other: string): boolean {
  const [room, target] = [ROOMS[name], ROOMS[other]];
  if (room === undefined || target === undefined) return false;
  if (room.only !== undefined) return room.only.includes(other);
  if (room.device && target.workshop) return false;
  return target.floor < room.floor || (room.neighbours?.includes(other) ?? false);
}

function packageRules(): IForbiddenRuleType[] {
  return Object.entries(ONLY_IMPORTERS).map(([name, rooms]) => ({
    name: `only-importer-${name}`,
    severity: "error",
    comment: `only ${rooms.join(" and ")} may import ${name}`,
    from: { path: "^(src|scripts)/", pathNot: among(rooms) },
    to: { path: `(^|/)node_modules/${name}/|^${name}$` },
  }));
}

function generalRules(): IForbiddenRuleType[] {
  return [
    {
      name: "door",
      severity: "error",
      comment: "a room is entered through its index.ts",
      from: { path: "^src/([^/]+)/" },
      to: { path: "^src/[^/]+/", pathNot: ["^src/$1/", "^src/[^/]+/index\\.ts$"] },
    },
    {
      name: "no-cycle",
      severity: "error",
      comment: "types may refer to each other, code may not",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "no-way-up",
      severity: "error",
      comment: "src knows neither scripts nor tests",
      from: { path: "^src/" },
      to: { path: "^(scripts|test|examples)/" },
    },
    {
      name: "no-development-dependency",
      severity: "error",
      comment: "what ships may not need a package that is not installed with it",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev"] },
    },
    {
      name: "resolvable",
      severity: "error",
      from: { path: "^src/" },
      to: { couldNotResolve: true },
    },
  ];
}
