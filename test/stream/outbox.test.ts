import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Outbox } from "../../src/stream/outbox.js";

describe("the outbox", () => {
  it("keeps every message until it is answered for, and sends in order after every rewind", () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.constant("append" as const) },
      { weight: 4, arbitrary: fc.constant("take" as const) },
      { weight: 3, arbitrary: fc.nat({ max: 5 }) },
      { weight: 1, arbitrary: fc.constant("rewind" as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const outbox = new Outbox();
        const settled = new Map<string, boolean>();
        let kept: string[] = [];
        let sent: { id: string; index: number }[] = [];
        let appended = 0;
        for (const action of steps) {
          if (action === "append") {
            const id = `m${appended++}`;
            outbox.append({
              id,
              topic: "t",
              payload: new Uint8Array(3),
              settle: (ok) => settled.set(id, ok),
            });
            kept.push(id);
          } else if (action === "take") {
            const next = outbox.takeNext();
            const unsent = kept.filter((id) => !sent.some((other) => other.id === id));
            expect(next?.entry.id).toBe(unsent[0]);
            if (next !== undefined) sent.push({ id: next.entry.id, index: next.index });
          } else if (action === "rewind") {
            outbox.rewind();
            sent = [];
          } else {
            // Answers may come out of order.
            const answered = sent[action % Math.max(1, sent.length)];
            if (answered === undefined) continue;
            outbox.remove(answered.index, true);
            outbox.remove(answered.index, true);
            sent = sent.filter((other) => other !== answered);
            kept = kept.filter((id) => id !== answered.id);
            expect(settled.get(answered.id)).toBe(true);
          }
          expect(outbox.messages).toBe(kept.length);
          expect(outbox.bytes).toBe(kept.length * 3);
        }
        expect(outbox.kept().map(({ id }) => id)).toEqual(kept);
        expect(settled.size).toBe(appended - kept.length);
      }),
      { numRuns: 200 },
    );
  });

  it("stays small and in order over many messages", () => {
    const outbox = new Outbox();
    let next = 0;
    for (let i = 0; i < 20_000; i++) {
      outbox.append({
        id: `${i}`,
        topic: "t",
        payload: new Uint8Array(1),
        settle: () => undefined,
      });
      if (i % 100 === 0) outbox.rewind();
      if (i < 50) continue;
      const taken = outbox.takeNext();
      expect(taken?.entry.id).toBe(`${next++}`);
      if (taken !== undefined) outbox.remove(taken.index, true);
    }
    expect(outbox.messages).toBe(50);
  });

  it("has room up to its bounds", () => {
    const outbox = new Outbox({ maxMessages: 2, maxBytes: 10 });
    const entry = (bytes: number) => ({
      id: "x",
      topic: "t",
      payload: new Uint8Array(bytes),
      settle: () => undefined,
    });
    expect(outbox.hasRoom).toBe(true);
    outbox.append(entry(11));
    expect(outbox.hasRoom).toBe(false);
    const first = outbox.takeNext();
    outbox.remove(first?.index ?? -1, true);
    outbox.append(entry(1));
    outbox.append(entry(1));
    expect(outbox.hasRoom).toBe(false);
  });
});
