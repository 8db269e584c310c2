import type { Command } from "./command.js";

/** A command before it is loaded. */
export interface CommandEntry {
  description: string;
  load(): Promise<{ default: Command }>;
}

/** Every command. Each is loaded when it is called, so that `--help` stays quick. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  demo: {
    description:
      "The main job on rendered images: teacher, student, variants, bundle, stream, report",
    load: () => import("./commands/demo.js"),
  },
  run: {
    description: "The main job on your images, by a config file",
    load: () => import("./commands/run.js"),
  },
  distill: {
    description:
      "Only the training part of the main job: a student model, distilled and fine-tuned",
    load: () => import("./commands/distill.js"),
  },
  quantize: {
    description: "Make fp32, fp16 and int8 variants of an ONNX model, audited by the engine",
    load: () => import("./commands/quantize.js"),
  },
  evaluate: {
    description: "Mean average precision of a detector on labelled images",
    load: () => import("./commands/evaluate.js"),
  },
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
