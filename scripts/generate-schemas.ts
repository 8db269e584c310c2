/**
 * Writes the JSON Schema of every wire message and of the job's config to docs/schemas, or checks that what is there is
 * up to date.
 *
 *   tsx scripts/generate-schemas.ts [--check]
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeFileAtomic } from "../src/base/index.js";
import { jobConfigJsonSchema } from "../src/job/index.js";
import { messageJsonSchemas } from "../src/wire/index.js";

const check = process.argv.includes("--check");
const given = process.argv.indexOf("--out");
const folder =
  given === -1
    ? fileURLToPath(new URL("../docs/schemas", import.meta.url))
    : (process.argv[given + 1] ?? "docs/schemas");

const schemas = { ...messageJsonSchemas(), "job-config": jobConfigJsonSchema() };
const wanted = new Map(
  Object.entries(schemas).map(([name, schema]) => [
    `${name}.v1.json`,
    `${JSON.stringify(schema, null, 2)}\n`,
  ]),
);

const drifted: string[] = [];
const present = await readdir(folder).catch(() => []);
for (const [file, text] of wanted) {
  const now = await readFile(join(folder, file), "utf8").catch(() => "");
  if (now === text) continue;
  drifted.push(file);
  if (!check) await writeFileAtomic(join(folder, file), text);
}
const strangers = present.filter((file) => file.endsWith(".json") && !wanted.has(file));

if (check && drifted.length + strangers.length > 0) {
  console.error(
    [
      ...drifted.map((file) => `docs/schemas/${file} differs from the zod schemas`),
      ...strangers.map((file) => `docs/schemas/${file} belongs to nothing`),
      "Run: npm run schemas",
    ].join("\n"),
  );
  process.exit(1);
}
console.error(
  check
    ? `${wanted.size} schemas are up to date`
    : `${drifted.length} of ${wanted.size} schemas written`,
);
