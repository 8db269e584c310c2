export {
  deviceIds,
  listDeviceProfiles,
  loadDeviceProfile,
  type DeviceFolderOptions,
} from "./load-profile.js";
export {
  machineFacts,
  type JetsonLinux,
  type MachineFacts,
  type MachineOptions,
} from "./machine.js";
export { matchProfile } from "./match-profile.js";
export { probeMachine, type ProbeOptions, type ProbeResult } from "./probe.js";
export { deviceProfileSchema, numericFields, type DeviceProfile } from "./profile.js";
