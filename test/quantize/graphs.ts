import { createRng } from "../../src/base/index.js";
import {
  createBuilder,
  int,
  ints,
  str,
  type GraphBuilder,
  type Model,
  type Value,
} from "../../src/onnx/index.js";
import type { Feeds } from "../../src/quantize/index.js";
import { float32, zeros } from "../../src/tensor/index.js";

/** A builder of small vision graphs with seeded weights. Data `[1, C, 16, 16]`. */
export interface Sketch {
  b: GraphBuilder;
  image: Value;
  conv(
    x: Value,
    channels: number,
    options?: { kernel?: number; group?: number; stride?: number; bias?: number; name?: string },
  ): Value;
  relu(x: Value): Value;
  silu(x: Value): Value;
}

export function sketch(seed: string, { channels = 16 }: { channels?: number } = {}): Sketch {
  const rng = createRng(seed);
  const b = createBuilder({ opset: 17 });
  const image = b.input("image", "float32", [1, channels, 16, 16]);
  return {
    b,
    image,
    conv(x, out, { kernel = 3, group = 1, stride = 1, bias = 0.1, name = "conv" } = {}) {
      const inputs = Number(x.dims?.[1]) / group;
      const w = zeros("float32", [out, inputs, kernel, kernel]);
      const deviation = Math.sqrt(2 / (inputs * kernel * kernel));
      for (let i = 0; i < w.data.length; i++) w.data[i] = rng.normal(0, deviation);
      const c = float32(
        [out],
        Array.from({ length: out }, () => rng.normal(0, bias)),
      );
      const p = (kernel - 1) / 2;
      return b.op(
        "Conv",
        [x, b.initializer(`${name}.weight`, w), b.initializer(`${name}.bias`, c)],
        {
          kernel_shape: ints([kernel, kernel]),
          pads: ints([p, p, p, p]),
          strides: ints([stride, stride]),
          group: int(group),
        },
        { name },
      );
    },
    relu: (x) => b.op("Relu", [x]),
    silu: (x) => b.op("Mul", [x, b.op("Sigmoid", [x])]),
  };
}

const finish = ({ b }: Sketch, output: Value): Model => {
  b.output(output, "result");
  return b.model();
};

/** relu(x + conv(relu(conv(x)))) twice, then a convolution. */
export function residualNet(): Model {
  const s = sketch("residual");
  let x = s.relu(s.conv(s.image, 16));
  for (let i = 0; i < 2; i++) x = s.relu(s.b.op("Add", [s.conv(s.relu(s.conv(x, 16)), 16), x]));
  return finish(s, s.conv(x, 16, { kernel: 1 }));
}

/** A residual block whose shortcut is a convolution too. */
export function downsampleNet(): Model {
  const s = sketch("downsample");
  const x = s.relu(s.conv(s.image, 16));
  const main = s.conv(s.relu(s.conv(x, 32, { stride: 2, name: "main1" })), 32, { name: "main2" });
  const side = s.conv(x, 32, { kernel: 1, stride: 2, name: "side" });
  return finish(s, s.conv(s.relu(s.b.op("Add", [side, main])), 16, { kernel: 1, name: "last" }));
}

/** Two branches of different range, concatenated, as in CSP and FPN blocks. */
export function concatNet(): Model {
  const s = sketch("concat");
  const x = s.relu(s.conv(s.image, 16));
  const a = s.relu(s.conv(x, 16, { kernel: 1 }));
  const c = s.b.op("Mul", [s.relu(s.conv(a, 16)), s.b.f32(4)]);
  const joined = s.b.op("Concat", [a, c], { axis: int(1) });
  return finish(s, s.conv(s.relu(s.conv(joined, 16)), 16, { kernel: 1 }));
}

/** SiLU everywhere, with a shortcut around one block. */
export function siluNet(): Model {
  const s = sketch("silu");
  const x = s.silu(s.conv(s.image, 16));
  const y = s.silu(s.conv(x, 16, { kernel: 3, group: 16 }));
  const z = s.b.op("Add", [s.silu(s.conv(y, 16, { kernel: 1 })), x]);
  return finish(s, s.conv(s.silu(s.conv(z, 16)), 16, { kernel: 1 }));
}

/** Pooling pyramid: max pools of one map, concatenated. */
export function poolNet(): Model {
  const s = sketch("pool");
  const x = s.relu(s.conv(s.image, 16, { kernel: 1 }));
  const pool = (v: Value): Value =>
    s.b.op("MaxPool", [v], {
      kernel_shape: ints([5, 5]),
      pads: ints([2, 2, 2, 2]),
      strides: ints([1, 1]),
    });
  const p1 = pool(x);
  const joined = s.b.op("Concat", [x, p1, pool(p1)], { axis: int(1) });
  return finish(s, s.conv(s.relu(s.conv(joined, 16, { kernel: 1 })), 16));
}

/** Feature pyramid: a coarse map, upsampled by copying, added to a lateral convolution. */
export function resizeNet(): Model {
  const s = sketch("resize");
  const fine = s.relu(s.conv(s.image, 16));
  const coarse = s.relu(s.conv(fine, 16, { stride: 2 }));
  const up = s.b.op("Resize", [coarse, null, s.b.f32([1, 1, 2, 2])], {
    mode: str("nearest"),
    coordinate_transformation_mode: str("asymmetric"),
    nearest_mode: str("floor"),
  });
  const sum = s.relu(s.b.op("Add", [s.conv(fine, 16, { kernel: 1, name: "lateral" }), up]));
  return finish(s, s.conv(s.relu(s.conv(sum, 16)), 16, { kernel: 1 }));
}

/** Convolution, global pooling, fully connected: a classifier. */
export function classifierNet(): Model {
  const s = sketch("classifier");
  const x = s.relu(s.conv(s.relu(s.conv(s.image, 32, { stride: 2 })), 32));
  const flat = s.b.op("Flatten", [s.b.op("GlobalAveragePool", [x])]);
  const rng = createRng("fc");
  const w = float32(
    [20, 32],
    Array.from({ length: 640 }, () => rng.normal(0, 0.3)),
  );
  const c = float32(
    [20],
    Array.from({ length: 20 }, () => rng.normal(0, 0.3)),
  );
  return finish(
    s,
    s.b.op("Gemm", [flat, s.b.initializer("fc.weight", w), s.b.initializer("fc.bias", c)], {
      transB: int(1),
    }),
  );
}

export const NETS: Readonly<Record<string, () => Model>> = {
  residual: residualNet,
  downsample: downsampleNet,
  concat: concatNet,
  silu: siluNet,
  pool: poolNet,
  resize: resizeNet,
  classifier: classifierNet,
};

/** Seeded inputs of a sketch. */
export function* feeds(count: number, { seed = "feeds", channels = 16 } = {}): Generator<Feeds> {
  for (let k = 0; k < count; k++) {
    const rng = createRng(`${seed}/${String(k)}`);
    const image = zeros("float32", [1, channels, 16, 16]);
    for (let i = 0; i < image.data.length; i++) image.data[i] = rng.next();
    yield { image };
  }
}
