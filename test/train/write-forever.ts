/** A process that writes checkpoints without end, for a test that kills it. Arguments: path. */
import { openEngine } from "../../src/engine/index.js";
import { Trainer, writeCheckpoint } from "../../src/train/index.js";
import { toyBatch, toyStep } from "./toy.js";

const [path = ""] = process.argv.slice(2);
const step = toyStep();
await using trainer = await Trainer.open(step, {
  engine: await openEngine({ kind: "inline" }),
  seed: 4,
  threads: 1,
});
for (let i = 0; ; i++) {
  await trainer.run(toyBatch(i), 0.01);
  await writeCheckpoint(path, trainer);
  process.send?.(i);
}
