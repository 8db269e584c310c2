import { closeSync, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { EdgeDistillError, ioError } from "../../base/index.js";
import { corrupt } from "./source.js";

/**
 * Reads a tensor's bytes from a file beside the model.
 * @param entries `location`, `offset`, `length` of TensorProto.external_data
 * @throws ONNX_EXTERNAL_DATA when the location leaves the folder or there is no folder, IO_NOT_FOUND, ONNX_CORRUPT
 */
export function readExternalData(
  model: string,
  folder: string | undefined,
  entries: ReadonlyMap<string, string>,
  what: string,
): Uint8Array {
  const location = entries.get("location") ?? "";
  if (folder === undefined)
    throw new EdgeDistillError(
      "ONNX_EXTERNAL_DATA",
      `${model}: tensor "${what}" lies in the file "${location}", and no folder was given to find it in`,
      {
        hint: "Load the model by its path with loadModel().",
        details: { model, tensor: what, location },
      },
    );
  const path = resolveInside(model, folder, location, what);
  const offset = byteNumber(model, entries.get("offset"), "offset", what) ?? 0;
  const wanted = byteNumber(model, entries.get("length"), "length", what);
  try {
    const file = openSync(path, "r");
    try {
      const available = fstatSync(file).size - offset;
      const length = wanted ?? available;
      if (length < 0 || length > available)
        throw corrupt(
          { name: path },
          `tensor "${what}" of ${model} ends at byte ${String(offset + length)}, the file at ${String(available + offset)}`,
        );
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const n = readSync(file, bytes, done, Math.min(length - done, 2 ** 30), offset + done);
        if (n === 0) throw corrupt({ name: path }, `tensor "${what}" of ${model} is cut off`);
        done += n;
      }
      return bytes;
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw ioError(error, path, "reading");
  }
}

/** Absolute path of `location` below `folder`; symbolic links may not lead out either. */
function resolveInside(model: string, folder: string, location: string, what: string): string {
  const refuse = (): EdgeDistillError =>
    new EdgeDistillError(
      "ONNX_EXTERNAL_DATA",
      `${model}: tensor "${what}" points to "${location}", outside the model's folder ${folder}`,
      {
        hint: "Do not use this file unless you trust its origin; put its data beside it.",
        details: { model, tensor: what, location },
      },
    );
  const outside = (path: string): boolean =>
    path === "" || path === ".." || path.startsWith(`..${sep}`) || isAbsolute(path);
  if (location === "" || isAbsolute(location) || location.includes("\0") || location.includes("\\"))
    throw refuse();
  const path = join(folder, location);
  if (outside(relative(folder, path))) throw refuse();
  try {
    if (outside(relative(realpathSync(folder), realpathSync(path)))) throw refuse();
  } catch (error) {
    throw ioError(error, path, "reading");
  }
  return path;
}

function byteNumber(
  model: string,
  text: string | undefined,
  field: string,
  what: string,
): number | undefined {
  if (text === undefined || text === "") return undefined;
  const n = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(n))
    throw corrupt({ name: model }, `tensor "${what}" has the external ${field} "${text}"`);
  return n;
}
