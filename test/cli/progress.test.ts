import { expect, it } from "vitest";
import { createProgressRenderer } from "../../src/cli/progress.js";

function renderer(isTTY: boolean): {
  written: string[];
  at(ms: number): ReturnType<typeof createProgressRenderer>;
} {
  const written: string[] = [];
  let nowMs = 0;
  const made = createProgressRenderer(
    { write: (text) => written.push(text), isTTY, columns: 40 },
    { nowMs: () => nowMs },
  );
  return {
    written,
    at: (ms) => {
      nowMs = ms;
      return made;
    },
  };
}

it("redraws one line on a terminal, ten times a second at most", () => {
  const { written, at } = renderer(true);
  at(0).onProgress({ stage: "train", fraction: 0 });
  at(50).onProgress({ stage: "train", fraction: 0.1 });
  at(120).onProgress({ stage: "train", fraction: 0.2, message: "x".repeat(100) });
  at(121).clear();
  expect(written[0]).toBe("train    0 %");
  expect(written[1]).toBe("\r\u001b[2K");
  expect(written[2]).toHaveLength(39);
  expect(written).toHaveLength(4);
  expect(written.join("")).not.toContain("\n");
});

it("writes plain lines elsewhere: each stage's start and end, and one every five seconds", () => {
  const { written, at } = renderer(false);
  for (let ms = 0; ms <= 12_000; ms += 500)
    at(ms).onProgress({ stage: "train", fraction: ms / 12_000 });
  at(12_001).onProgress({ stage: "train", fraction: 1 });
  at(12_002).onProgress({ stage: "pack", fraction: 0 });
  expect(written).toEqual([
    "train    0 %\n",
    "train   42 %\n",
    "train   83 %\n",
    "train  100 %\n",
    "pack    0 %\n",
  ]);
});
