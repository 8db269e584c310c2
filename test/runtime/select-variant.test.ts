import { beforeAll, describe, expect, test } from "vitest";
import type { BundleVariant } from "../../src/bundle/index.js";
import { loadDeviceProfile, type DeviceProfile } from "../../src/device/index.js";
import { selectVariant, type SelectVariantOptions } from "../../src/runtime/index.js";

function variant(
  name: string,
  precision: BundleVariant["precision"],
  target: BundleVariant["target"],
  { map50, ...rest }: Partial<BundleVariant> & { map50?: number } = {},
): BundleVariant {
  return {
    name,
    precision,
    target,
    file: `variants/${name}.onnx`,
    sha256: "0".repeat(64),
    bytes: 1000,
    audited: false,
    ...(map50 === undefined ? {} : { accuracy: { metric: "map50", value: map50, images: 64 } }),
    ...rest,
  };
}

const audit = {
  audited: true,
  integerConvs: [38, 40],
  integerMacShare: 0.97,
} satisfies Partial<BundleVariant>;
const FP32 = variant("fp32", "fp32", "any", { map50: 0.87 });
const FP16 = variant("fp16", "fp16", "any", { map50: 0.87 });
const INT8_CPU = variant("int8-ort-cpu", "int8", "ort-cpu", { map50: 0.86, ...audit });
const INT8_TRT = variant("int8-tensorrt", "int8", "tensorrt", { map50: 0.86 });
const ALL = [FP32, FP16, INT8_CPU, INT8_TRT];

describe("choosing a variant", () => {
  let x64: DeviceProfile;
  let orin: DeviceProfile;
  beforeAll(async () => {
    x64 = await loadDeviceProfile("generic-x64-cpu");
    orin = await loadDeviceProfile("jetson-orin-nano-8gb");
  });

  const choose = (
    variants: readonly BundleVariant[],
    profile: DeviceProfile,
    { int8DotProduct = true, ...options }: SelectVariantOptions & { int8DotProduct?: boolean } = {},
  ) =>
    selectVariant({ name: "parts", variants: [...variants] }, profile, { int8DotProduct }, options);
  const why = (selection: ReturnType<typeof choose>, name: string): string =>
    selection.rejected.find((r) => r.name === name)?.why ?? "not rejected";

  test("a CPU with int8 dot products runs audited integers, and says what speaks for it", () => {
    const selection = choose(ALL, x64);
    expect(selection.variant).toBe(INT8_CPU);
    expect(selection.providers).toEqual(["cpu"]);
    expect(selection.reason).toBe(
      "int8-ort-cpu for generic-x64-cpu: runs on cpu; 38 of 40 convolutions run as integers; " +
        "the CPU has int8 dot products; map50 0.860 against 0.870 in fp32",
    );
    expect(selection.rejected.map((r) => r.name)).toEqual(["fp32", "fp16", "int8-tensorrt"]);
    expect(why(selection, "fp16")).toMatch(/no half-precision kernels/);
    expect(why(selection, "int8-tensorrt")).toMatch(/TensorRT/);
    expect(why(selection, "fp32")).toMatch(/"int8-ort-cpu" does it in int8/);
  });

  test("a Jetson runs the integers lowered for TensorRT", () => {
    const selection = choose(ALL, orin);
    expect(selection.variant).toBe(INT8_TRT);
    expect(selection.providers).toEqual(["tensorrt"]);
    expect(why(selection, "int8-ort-cpu")).toMatch(/would run on the CPU/);
  });

  test("without TensorRT, half precision on the next GPU provider", () => {
    const failed = [
      { variant: "int8-tensorrt", providers: ["tensorrt"] as const, why: "no library" },
    ];
    const selection = choose(ALL, orin, { failed });
    expect(selection.variant).toBe(FP16);
    expect(selection.providers).toEqual(["tensorrt", "cuda"]);
    expect(why(selection, "int8-tensorrt")).toMatch(/^no library; made for TensorRT/);
  });

  test("without any GPU provider, a Jetson is a CPU", () => {
    const gone = (name: string) => ({
      variant: name,
      providers: ["tensorrt", "cuda"] as const,
      why: "no library",
    });
    const failed = ["fp32", "fp16", "int8-tensorrt"].map(gone);
    expect(choose(ALL, orin, { failed }).variant).toBe(INT8_CPU);
    const plain = choose(ALL, orin, { failed, int8DotProduct: false });
    expect(plain.variant).toBe(FP32);
    expect(plain.providers).toEqual(["cpu"]);
    expect(plain.reason).toMatch(/tensorrt, cuda did not load it/);
  });

  test.each([
    ["not audited", variant("q", "int8", "ort-cpu", { map50: 0.87 }), {}, /not audited/],
    ["not measured", variant("q", "int8", "ort-cpu", audit), {}, /nobody measured its accuracy/],
    [
      "more than two points worse",
      variant("q", "int8", "ort-cpu", { map50: 0.849, ...audit }),
      {},
      /loses too much accuracy: map50 0.849 against 0.870/,
    ],
    [
      "measured by another metric",
      variant("q", "int8", "ort-cpu", {
        ...audit,
        accuracy: { metric: "map", value: 0.9, images: 64 },
      }),
      {},
      /do not compare/,
    ],
    [
      "on a CPU without int8 dot products",
      INT8_CPU,
      { int8DotProduct: false },
      /no int8 dot products/,
    ],
  ])("integers fall back to fp32 when %s", (_, int8, options, reason) => {
    const selection = choose([FP32, int8], x64, options);
    expect(selection.variant).toBe(FP32);
    expect(why(selection, int8.name)).toMatch(reason);
  });

  test("exactly two points are allowed, and the limit can be moved", () => {
    const edge = variant("q", "int8", "ort-cpu", { map50: 0.85, ...audit });
    expect(choose([FP32, edge], x64).variant).toBe(edge);
    expect(choose([FP32, edge], x64, { maxAccuracyDrop: 0.01 }).variant).toBe(FP32);
  });

  test("of two alike the better measured one, then the smaller", () => {
    const better = variant("q2", "int8", "ort-cpu", { map50: 0.865, ...audit });
    expect(choose([FP32, INT8_CPU, better], x64).variant).toBe(better);
    const smaller = { ...INT8_CPU, name: "q3", bytes: 900 };
    expect(choose([FP32, INT8_CPU, smaller], x64).variant).toBe(smaller);
  });

  test("a device without half precision does not get it", () => {
    const old = { ...orin, precisions: ["fp32" as const] };
    expect(choose([FP32, FP16], old).variant).toBe(FP32);
    expect(choose([FP32, FP16], old).providers).toEqual(["tensorrt", "cuda"]);
  });

  test("what is asked for by name is taken, whatever its accuracy", () => {
    const selection = choose([FP32, INT8_CPU, FP16], x64, { name: "fp16" });
    expect(selection.variant).toBe(FP16);
    expect(selection.providers).toEqual(["cpu"]);
    expect(selection.reason).toMatch(/asked for by name/);
    expect(why(selection, "fp32")).toBe('"fp16" was asked for');
  });

  test("nothing that runs is an error that says why for each", () => {
    expect(() => choose([INT8_TRT, FP16], x64)).toThrow(
      expect.objectContaining({
        code: "RUNTIME_NO_VARIANT",
        message: expect.stringMatching(
          /No variant of the bundle "parts" runs on generic-x64-cpu: int8-tensorrt: .*TensorRT.* \| fp16: .*half/,
        ) as string,
        hint: expect.stringContaining("fp32") as string,
      }),
    );
    const failed = [{ variant: "fp32", providers: ["cpu"] as const, why: "opset 99" }];
    expect(() => choose([FP32], x64, { name: "fp32", failed })).toThrow(/fp32: opset 99/);
  });
});
