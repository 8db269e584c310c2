/**
 * `npm run bench -- NAME [options]`: runs one benchmark. Its last line is one JSON object
 * `{ bench, versions, rows: [{ name, ours, peer, ratio, goal }] }`, ratio > 1 in our favour; with `--json` its only line.
 */
export {};

const BENCHES: Readonly<Record<string, () => Promise<unknown>>> = {
  runtime: () => import("./runtime.js"),
  train: () => import("./train.js"),
};

const [name = "", ...args] = process.argv.slice(2);
const bench = BENCHES[name];
if (bench === undefined) {
  console.error(`There is no benchmark "${name}". Known: ${Object.keys(BENCHES).join(", ")}`);
  process.exitCode = 2;
} else {
  // Each reads its own options.
  process.argv.splice(2, process.argv.length, ...args);
  await bench();
}
