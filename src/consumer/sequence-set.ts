/**
 * The numbers of one topic and boot that were seen, as intervals: constant memory while nothing is missing.
 * Tells new from repeated numbers exactly, and counts the holes.
 */
export class SequenceSet {
  /** Pairs `[first, last]`, ascending, never touching. */
  #intervals: [number, number][] = [];
  #from: number | undefined;
  #writtenOff = 0;
  #maxHoles: number;

  /**
   * @param from the number that must come first; undefined takes the first one seen
   * @param maxHoles above this many separate holes the oldest are written off as lost for good
   */
  constructor({ from, maxHoles = 1000 }: { from?: number; maxHoles?: number } = {}) {
    this.#from = from;
    this.#maxHoles = maxHoles;
  }

  has(sequence: number): boolean {
    const index = this.#indexOf(sequence);
    const interval = this.#intervals[index];
    return interval !== undefined && interval[0] <= sequence;
  }

  /** Takes a number in. @returns false when it had been seen */
  add(sequence: number): boolean {
    const index = this.#indexOf(sequence);
    const right = this.#intervals[index];
    if (right !== undefined && right[0] <= sequence) return false;
    const left = this.#intervals[index - 1];
    const joinsLeft = left !== undefined && left[1] === sequence - 1;
    const joinsRight = right !== undefined && right[0] === sequence + 1;
    if (joinsLeft && joinsRight) {
      left[1] = right[1];
      this.#intervals.splice(index, 1);
    } else if (joinsLeft) left[1] = sequence;
    else if (joinsRight) right[0] = sequence;
    else this.#intervals.splice(index, 0, [sequence, sequence]);
    this.#bound();
    return true;
  }

  /** Declares that all up to `last` were given out, so that a missing tail counts too. */
  expectUpTo(last: number): void {
    this.#expected = Math.max(this.#expected, last);
  }
  #expected = 0;

  /** The lowest number that has not come; undefined when it is not known where the numbers begin. */
  get firstMissing(): number | undefined {
    const head = this.#intervals[0];
    if (this.#from !== undefined && (head === undefined || head[0] > this.#from)) return this.#from;
    return head === undefined ? undefined : head[1] + 1;
  }

  /** Numbers known to have been given out and not seen. */
  get missing(): number {
    return this.missingRanges().reduce(
      (sum, [first, last]) => sum + last - first + 1,
      this.#writtenOff,
    );
  }

  /** The holes as `[first, last]`, ascending, without those written off. */
  missingRanges(): [number, number][] {
    const ranges: [number, number][] = [];
    const head = this.#intervals[0];
    // Without a stated first number there is nothing to miss before the first one seen.
    let next = this.#from ?? head?.[0] ?? Infinity;
    for (const [first, last] of this.#intervals) {
      if (first > next) ranges.push([next, first - 1]);
      next = Math.max(next, last + 1);
    }
    if (next <= this.#expected) ranges.push([next, this.#expected]);
    return ranges;
  }

  /** Index of the first interval that ends at or after `sequence`; searched from the end, where the news is. */
  #indexOf(sequence: number): number {
    const lastInterval = this.#intervals.at(-1);
    if (lastInterval === undefined || lastInterval[1] < sequence) return this.#intervals.length;
    let low = 0;
    let high = this.#intervals.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const interval = this.#intervals[middle];
      if (interval !== undefined && interval[1] < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #bound(): void {
    while (this.#intervals.length > this.#maxHoles + 1) {
      const [first, second] = this.#intervals;
      if (first === undefined || second === undefined) return;
      this.#writtenOff += second[0] - first[1] - 1;
      second[0] = first[0];
      this.#intervals.shift();
    }
  }
}
