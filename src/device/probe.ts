import { listDeviceProfiles, type DeviceFolderOptions } from "./load-profile.js";
import { machineFacts, type MachineFacts, type MachineOptions } from "./machine.js";
import { matchProfile } from "./match-profile.js";

export interface ProbeResult {
  machine: MachineFacts;
  /** The profile that fits best. */
  profileId: string;
  /** Why, in words. */
  why: string;
}

export type ProbeOptions = DeviceFolderOptions & MachineOptions;

/**
 * Looks at the machine and finds the device profile that fits it.
 * @throws DEVICE_INVALID, IO_NOT_FOUND, IO_FAILED for the profiles; what the machine does not tell is left out
 */
export async function probeMachine(options: ProbeOptions = {}): Promise<ProbeResult> {
  const machine = await machineFacts(options);
  const { profile, why } = matchProfile(machine, await listDeviceProfiles(options));
  return { machine, profileId: profile.id, why };
}
