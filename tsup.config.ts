import { readdirSync } from "node:fs";
import { defineConfig } from "tsup";

/** The public doors, named as in `exports` of package.json. */
const doors = {
  index: "src/doors/main.ts",
  distill: "src/doors/distill.ts",
  quantize: "src/doors/quantize.ts",
  onnx: "src/doors/onnx.ts",
  consumer: "src/doors/consumer.ts",
};

/** Worker threads are started by file, so each `worker.ts` and `*-worker.ts` is an output of its own. */
const workers = Object.fromEntries(
  readdirSync("src", { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => /(^|[/-])worker\.ts$/.test(path))
    .map((path) => [path.replace(/\.ts$/, ""), `src/${path}`]),
);

// Splitting stays on: without it every door would carry its own EdgeDistillError and `instanceof` would fail across them.
export default defineConfig({
  entry: { ...doors, ...workers, "edge-distill": "scripts/edge-distill.ts" },
  format: "esm",
  target: "node20",
  platform: "node",
  splitting: true,
  skipNodeModulesBundle: true,
  clean: true,
  dts: { entry: doors },
});
