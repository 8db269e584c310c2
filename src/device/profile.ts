import { z } from "zod";

const source = z.strictObject({
  /** The fields of the profile that this source backs. */
  fields: z.array(z.string()).min(1),
  title: z.string().min(1),
  url: z.url({ protocol: /^https$/ }),
});

const fields = z.strictObject({
  /** Equals the file's name. */
  id: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
  vendor: z.string().min(1),
  board: z.string().min(1),
  architecture: z.enum(["x64", "arm64"]),
  /** Beginnings of `/proc/device-tree/model` by which the board is known. */
  deviceTreeModels: z.array(z.string().min(1)),
  /** CUDA compute capability; null without an NVIDIA GPU. */
  computeCapability: z
    .string()
    .regex(/^\d+\.\d$/)
    .nullable(),
  /** null where the board is sold with several sizes, or is no particular board. */
  memoryGiB: z.number().positive().nullable(),
  /** In the order in which they are tried. */
  providers: z.array(z.enum(["tensorrt", "cuda", "webgpu", "cpu"])).min(1),
  /** Precisions that the first provider computes in. */
  precisions: z.array(z.enum(["fp32", "fp16", "bf16", "int8", "fp8", "fp4"])).min(1),
  /** Which of a bundle's int8 variants suits. */
  quantizationTarget: z.enum(["tensorrt", "ort-cpu"]),
  /** Lowest and highest power budget of the module, watts. */
  powerRangeW: z.tuple([z.number().positive(), z.number().positive()]).nullable(),
  /** Opset that models for this device are written in. */
  opset: z.int().min(13),
  /** JetPack releases that run on the board. */
  jetpacks: z.array(z.string().regex(/^\d+\.\d+(\.\d+)?$/)),
  /** Published peak, tera-operations a second, int8 with sparsity. */
  int8SparseTops: z.number().positive().nullable(),
  /** Published peak, teraflops, FP4 with sparsity. */
  fp4SparseTflops: z.number().positive().nullable(),
  sources: z.array(source),
});

/** What is known of a kind of device. Flat; every number has a source. */
export type DeviceProfile = z.infer<typeof fields>;

/** Fields of a profile that state numbers: all that must be backed by a source. */
export function numericFields(profile: Omit<DeviceProfile, "sources">): string[] {
  const states = (value: unknown): boolean =>
    typeof value === "number" ||
    (typeof value === "string" && /^\d+(\.\d+)*$/.test(value)) ||
    (Array.isArray(value) && value.some(states));
  return Object.entries(profile)
    .filter(([name, value]) => name !== "sources" && states(value))
    .map(([name]) => name);
}

/** The schema of `devices/*.json`: strict, each number sourced, each source naming fields that are there. */
export const deviceProfileSchema = fields.check(({ value, issues }) => {
  const sourced = new Set(value.sources.flatMap((entry) => entry.fields));
  for (const field of numericFields(value))
    if (!sourced.has(field))
      issues.push({
        code: "custom",
        path: [field],
        message: "states a number without a source",
        input: value,
      });
  value.sources.forEach((entry, index) => {
    for (const field of entry.fields)
      if (!Object.hasOwn(value, field))
        issues.push({
          code: "custom",
          path: ["sources", index, "fields"],
          message: `names "${field}", which is no field of the profile`,
          input: value,
        });
  });
  if (value.powerRangeW !== null && value.powerRangeW[0] > value.powerRangeW[1])
    issues.push({
      code: "custom",
      path: ["powerRangeW"],
      message: "the lower end comes first",
      input: value,
    });
});
