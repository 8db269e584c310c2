import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import {
  EdgeDistillError,
  errorMessage,
  ioError,
  packagePath,
  readFileBytes,
} from "../base/index.js";
import { deviceProfileSchema, type DeviceProfile } from "./profile.js";

export interface DeviceFolderOptions {
  /** Where the profiles are. Default: the package's own `devices/`. */
  folder?: string;
}

/** Ids of all profiles, sorted. @throws IO_NOT_FOUND, IO_FAILED */
export async function deviceIds({
  folder = packagePath("devices"),
}: DeviceFolderOptions = {}): Promise<string[]> {
  try {
    const files = await readdir(folder);
    return files
      .filter((file) => file.endsWith(".json"))
      .map((file) => basename(file, ".json"))
      .sort();
  } catch (error) {
    throw ioError(error, folder, "reading");
  }
}

/** Every profile, sorted by id. @throws DEVICE_INVALID, IO_NOT_FOUND, IO_FAILED */
export async function listDeviceProfiles({
  folder = packagePath("devices"),
}: DeviceFolderOptions = {}): Promise<DeviceProfile[]> {
  const ids = await deviceIds({ folder });
  return Promise.all(ids.map((id) => readProfile(join(folder, `${id}.json`))));
}

/**
 * Loads one profile.
 * @param idOrPath an id (`"raspberry-pi-5"`), or the path of a profile of one's own (ends in `.json`)
 * @throws DEVICE_UNKNOWN, DEVICE_INVALID, IO_NOT_FOUND, IO_FAILED
 */
export async function loadDeviceProfile(
  idOrPath: string,
  { folder = packagePath("devices") }: DeviceFolderOptions = {},
): Promise<DeviceProfile> {
  if (idOrPath.endsWith(".json")) return readProfile(idOrPath);
  const known = await deviceIds({ folder });
  if (!known.includes(idOrPath))
    throw new EdgeDistillError(
      "DEVICE_UNKNOWN",
      `There is no device profile "${idOrPath}"; known: ${known.join(", ")}`,
      {
        hint: "Use one of these ids, or the path of a profile of your own.",
        details: { id: idOrPath, known },
      },
    );
  return readProfile(join(folder, `${idOrPath}.json`));
}

async function readProfile(path: string): Promise<DeviceProfile> {
  const text = new TextDecoder().decode(await readFileBytes(path));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(path, "", errorMessage(error), error);
  }
  const parsed = deviceProfileSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(
      path,
      issue?.path.map(String).join(".") ?? "",
      issue?.message ?? "",
      parsed.error,
    );
  }
  if (parsed.data.id !== basename(path, ".json"))
    throw invalid(path, "id", `is "${parsed.data.id}", yet the file is named ${basename(path)}`);
  return parsed.data;
}

function invalid(path: string, field: string, reason: string, cause?: unknown): EdgeDistillError {
  const place = field === "" ? path : `${path}, field ${field}`;
  return new EdgeDistillError(
    "DEVICE_INVALID",
    `The device profile is wrong: ${place}: ${reason}`,
    {
      hint: "Correct this field; the profiles in devices/ show the form.",
      details: { path, field },
      cause,
    },
  );
}
