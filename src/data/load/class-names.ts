import { extname, join } from "node:path";
import { EdgeDistillError, readFileBytes } from "../../base/index.js";
import { entryNamed, listFolder, missing, naturalSort } from "./loaded.js";

const YAML_NAMES = ["data.yaml", "data.yml", "config.yaml", "dataset.yaml", "config.yml"];

/**
 * Class names of a YOLO dataset: the given list, the given file, or the one that lies in `root` (`*.names`,
 * `classes.txt`, `data.yaml` …).
 * @throws DATA_MISSING, DATA_LABEL_INVALID
 */
export async function readClassNames(
  root: string,
  given: readonly string[] | string | undefined,
): Promise<readonly string[]> {
  if (given !== undefined && typeof given !== "string") return given;
  const file = given ?? (await findNamesFile(root));
  if (file === undefined) throw missing(join(root, "*.names"), "file of class names");
  const text = new TextDecoder().decode(await readFileBytes(file));
  const names = /\.ya?ml$/i.test(extname(file))
    ? namesFromYaml(text)
    : text.split(/\r?\n/).map((line) => line.trim());
  while (names.at(-1) === "") names.pop();
  const hole = names.findIndex((name) => name === "");
  if (names.length === 0 || hole >= 0)
    throw new EdgeDistillError(
      "DATA_LABEL_INVALID",
      names.length === 0
        ? `No class names in ${file}`
        : `Class ${String(hole)} has no name in ${file}`,
      { hint: "Write one class name a line, in the order of their ids.", details: { file } },
    );
  return names;
}

async function findNamesFile(root: string): Promise<string | undefined> {
  const byExtension = naturalSort(await listFolder(root)).find((name) => name.endsWith(".names"));
  if (byExtension !== undefined) return join(root, byExtension);
  return entryNamed(root, "classes.txt", ...YAML_NAMES);
}

/** The `names:` of a YOLO yaml: a map of ids, a list of lines, or a list in brackets. */
function namesFromYaml(text: string): string[] {
  const lines = text.split(/\r?\n/);
  const start = lines.findIndex((line) => /^names\s*:/.test(line));
  if (start < 0) return [];
  const unquote = (value: string): string => value.trim().replace(/^(['"])(.*)\1$/, "$2");
  const inline = /^names\s*:\s*\[(.*)\]\s*$/.exec(lines[start] ?? "");
  if (inline !== null) return (inline[1] ?? "").split(",").map(unquote);
  const names: string[] = [];
  for (const line of lines.slice(start + 1)) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const mapped = /^\s+(\d+)\s*:\s*(.+?)\s*$/.exec(line);
    const listed = /^\s*-\s+(.+?)\s*$/.exec(line);
    if (mapped !== null) names[Number(mapped[1])] = unquote(mapped[2] ?? "");
    else if (listed !== null) names.push(unquote(listed[1] ?? ""));
    else break;
  }
  return Array.from(names, (name: string | undefined) => name ?? "");
}
