import {
  listDeviceProfiles,
  loadDeviceProfile,
  probeMachine,
  type DeviceProfile,
} from "../../device/index.js";
import { defineCommand } from "../command.js";
import { columns, table } from "../table.js";

export default defineCommand({
  name: "devices",
  description:
    "Lists the known devices and marks the one that fits this machine; with an id, shows that profile and its sources.",
  example: ["edge-distill devices", "edge-distill devices raspberry-pi-5"],
  positionals: {
    device: { description: "Id of a profile, or the path of one of your own (.json)" },
  },
  options: {},
  async run({ device }, { result }) {
    if (device !== undefined) {
      const profile = await loadDeviceProfile(device);
      result(describe(profile), profile);
      return;
    }
    const [profiles, { profileId, why }] = await Promise.all([
      listDeviceProfiles(),
      probeMachine(),
    ]);
    const rows = profiles.map((p) => [
      `${p.id === profileId ? "*" : " "} ${p.id}`,
      p.architecture,
      p.memoryGiB === null ? "-" : `${String(p.memoryGiB)} GiB`,
      p.computeCapability ?? "-",
      p.quantizationTarget,
      p.providers.join(", "),
    ]);
    result(
      [
        table(["  device", "cpu", "memory", "sm", "int8 target", "providers"], rows),
        "",
        `* fits this machine: ${why}`,
      ].join("\n"),
      { profiles, machine: profileId, why },
    );
  },
});

function describe({ sources, ...fields }: DeviceProfile): string {
  const shown = Object.entries(fields).map(([name, value]) => [
    name,
    value === null ? "-" : Array.isArray(value) ? value.join(", ") || "-" : String(value),
  ]);
  return [
    ...columns(shown),
    "",
    "sources",
    ...sources.map(
      ({ title, url, fields: backed }) => `  ${title} (${backed.join(", ")})\n    ${url}`,
    ),
  ].join("\n");
}
