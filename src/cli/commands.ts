import type { Command } from "./command.js";

/** A command before it is loaded. */
export interface CommandEntry {
  description: string;
  load(): Promise<{ default: Command }>;
}

/** Every command. Each is loaded when it is called, so that `--help` stays quick. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  pack: {
    description: "Pack and sign a bundle",
    load: () => import("./commands/pack.js"),
  },
  verify: {
    description: "Verify a bundle with a trusted public key",
    load: () => import("./commands/verify.js"),
  },
  keys: {
    description: "Make a key pair that signs bundles",
    load: () => import("./commands/keys.js"),
  },
  stream: {
    description: "Run a folder of frames through a bundle and publish the results over MQTT",
    load: () => import("./commands/stream.js"),
  },
  watch: {
    description: "Listen to devices: check every message, prove gaps, sum up",
    load: () => import("./commands/watch.js"),
  },
  devices: {
    description: "List the known devices, or show one",
    load: () => import("./commands/devices.js"),
  },
  doctor: {
    description: "Check this machine: Node, engine, image library, device profile",
    load: () => import("./commands/doctor.js"),
  },
};
