export {
  deviceIds,
  listDeviceProfiles,
  loadDeviceProfile,
  type DeviceFolderOptions,
} from "./load-profile.js";
export { matchProfile } from "./match-profile.js";
export {
  machineFacts,
  probeMachine,
  type JetsonLinux,
  type MachineFacts,
  type ProbeOptions,
  type ProbeResult,
} from "./probe.js";
export { deviceProfileSchema, numericFields, type DeviceProfile } from "./profile.js";
