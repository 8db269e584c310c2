import { readFileSync } from "node:fs";
import { packagePath } from "../base/index.js";

/** The package's version. */
export function version(): string {
  const file: unknown = JSON.parse(readFileSync(packagePath("package.json"), "utf8"));
  return typeof file === "object" && file !== null && "version" in file ? String(file.version) : "";
}
