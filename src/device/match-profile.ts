import { EdgeDistillError } from "../base/index.js";
import type { MachineFacts } from "./machine.js";
import type { DeviceProfile } from "./profile.js";

/** The kernel and the firmware keep some of a module's memory for themselves. */
const VISIBLE_SHARE = 0.75;

/**
 * The profile that fits a machine: by its device tree, then by memory; else the generic one of its architecture.
 * @throws DEVICE_UNKNOWN when there is no profile for the architecture at all
 */
export function matchProfile(
  machine: MachineFacts,
  profiles: readonly DeviceProfile[],
): { profile: DeviceProfile; why: string } {
  const { deviceTreeModel, architecture } = machine;
  const memoryGiB = machine.memoryMiB / 1024;
  const named = profiles.filter((profile) =>
    profile.deviceTreeModels.some((model) => deviceTreeModel?.startsWith(model) ?? false),
  );
  const [best] = [...named].sort((a, b) => memoryGap(a, memoryGiB) - memoryGap(b, memoryGiB));
  if (best !== undefined) return { profile: best, why: boardReason(best, machine) };
  const generic = profiles.find(
    (profile) => profile.architecture === architecture && profile.id.startsWith("generic-"),
  );
  if (generic !== undefined)
    return {
      profile: generic,
      why: `${deviceTreeModel === null ? "no known board" : `the board "${deviceTreeModel}" is not known`}, ${architecture}: ${machine.cpuModel}, ${String(machine.cores)} cores, ${int8Words(machine)}`,
    };
  const [nearest] = profiles.filter(
    (profile) => profile.architecture === architecture && profile.providers[0] === "cpu",
  );
  if (nearest !== undefined)
    return {
      profile: nearest,
      why: `no known board; the nearest ${architecture} profile that needs the CPU alone`,
    };
  throw new EdgeDistillError("DEVICE_UNKNOWN", `No device profile is for ${architecture}`, {
    hint: "Name a profile of your own by its path.",
    details: { architecture, deviceTreeModel },
  });
}

function memoryGap({ memoryGiB }: DeviceProfile, actualGiB: number): number {
  return memoryGiB === null ? 0 : Math.abs(memoryGiB - actualGiB);
}

function boardReason(profile: DeviceProfile, machine: MachineFacts): string {
  const { deviceTreeModel, jetsonLinux, memoryMiB } = machine;
  const words = [`the device tree says "${deviceTreeModel ?? ""}"`];
  const actualGiB = memoryMiB / 1024;
  if (profile.memoryGiB !== null && actualGiB < profile.memoryGiB * VISIBLE_SHARE)
    words.push(
      `but only ${actualGiB.toFixed(1)} GiB of memory where the profile says ${String(profile.memoryGiB)}`,
    );
  if (jetsonLinux !== null)
    words.push(
      `Jetson Linux ${jetsonLinux.release}${jetsonLinux.jetpackMajor === null ? "" : ` (JetPack ${String(jetsonLinux.jetpackMajor)})`}`,
    );
  if (profile.computeCapability === null) words.push(int8Words(machine));
  return words.join(", ");
}

function int8Words({ int8DotProduct, cpuFeatures }: MachineFacts): string {
  return int8DotProduct
    ? `int8 dot products (${cpuFeatures.filter((f) => /vnni|amx_int8|asimddp|i8mm/.test(f)).join(", ")})`
    : "no int8 dot products, so that int8 gains little";
}
