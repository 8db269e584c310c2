/**
 * `npm run bench -- train [--case NAME] [--rounds N] [--steps N]`: images a second of whole training steps, ours and
 * PyTorch's (contiguous and channels-last, the faster of the two counts), in turns, each in a process of its own.
 */
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { LineProcess } from "./line-process.js";
import { median } from "./median.js";
import { torchPython } from "./peers/torch-environment.js";
import { TRAIN_CASES } from "./train/cases.js";

interface Ready {
  firstStepSeconds: number;
  parameters: number;
  loss: number;
  versions: Readonly<Record<string, string>>;
}
interface Round {
  seconds: number;
  peakMiB: number;
}
type Competitor = LineProcess<Ready, Round>;

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    case: { type: "string", multiple: true, default: Object.keys(TRAIN_CASES) },
    rounds: { type: "string", default: "5" },
    steps: { type: "string", default: "4" },
    threads: { type: "string", default: "2" },
  },
});

const peer = (file: string): string => fileURLToPath(new URL(`./peers/${file}`, import.meta.url));
const python = await torchPython();
const steps = Number(options.steps);
const rows: { name: string; ours: number; peer: number; ratio: number; goal: number }[] = [];
let versions: Record<string, string> = {
  node: process.versions.node,
  cpu: cpus()[0]?.model ?? "",
  cores: String(availableParallelism()),
};

for (const name of options.case) {
  const found = TRAIN_CASES[name];
  if (found === undefined)
    throw new Error(`There is no case "${name}". Known: ${Object.keys(TRAIN_CASES).join(", ")}`);
  console.error(`${name} …`);
  const torch = (layout: string): Promise<Competitor> =>
    LineProcess.start(python, [peer("train.py"), name, options.threads, layout]);
  const ours: Competitor = await LineProcess.start(process.execPath, [
    "--import",
    "tsx",
    peer("train-ours.ts"),
    name,
    options.threads,
  ]);
  const competitors = [ours, await torch("nchw"), await torch("channels_last")];
  const sizes = competitors.map(({ ready }) => ready.parameters);
  if (new Set(sizes).size !== 1) throw new Error(`${name}: other networks: ${sizes.join(", ")}`);
  const rounds = competitors.map((): Round[] => []);
  for (let round = -1; round < Number(options.rounds); round++)
    for (const [i, competitor] of competitors.entries()) {
      const answer = await competitor.ask({ steps });
      if (round >= 0) rounds[i]?.push(answer);
    }
  for (const competitor of competitors) await competitor.end();

  const imagesPerSecond = rounds.map((own) =>
    median(own.map(({ seconds }) => (steps * found.batch) / seconds)),
  );
  const peakMiB = rounds.map((own) => Math.max(...own.map((r) => r.peakMiB)));
  const [mine = NaN, ...theirs] = imagesPerSecond;
  const best = Math.max(...theirs);
  const fastest = 1 + theirs.indexOf(best);
  const [ownPeak = NaN, peerPeak = NaN] = [peakMiB[0], peakMiB[fastest]];
  rows.push(
    { name, ours: mine, peer: best, ratio: mine / best, goal: found.goal },
    { name: `memory-${name}`, ours: ownPeak, peer: peerPeak, ratio: peerPeak / ownPeak, goal: 1 },
    ...(name === "student-320"
      ? [
          {
            name: "first-step-student-320",
            ours: ours.ready.firstStepSeconds,
            peer: 3,
            ratio: 3 / ours.ready.firstStepSeconds,
            goal: 1,
          },
        ]
      : []),
  );
  versions = Object.assign(versions, ...competitors.map(({ ready }) => ready.versions)) as Record<
    string,
    string
  >;
  if (!options.json)
    console.table(
      ["ours", "PyTorch contiguous", "PyTorch channels-last"].map((who, i) => ({
        who,
        "images/s": imagesPerSecond[i]?.toFixed(1),
        "ms a step": ((1000 * found.batch) / (imagesPerSecond[i] ?? NaN)).toFixed(0),
        "peak MiB": peakMiB[i]?.toFixed(0),
        "first step s": competitors[i]?.ready.firstStepSeconds.toFixed(1),
      })),
    );
}
console.log(JSON.stringify({ bench: "train", versions, rows }));
