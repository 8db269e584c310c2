import { EdgeDistillError } from "../base/index.js";
import { letterboxTransform, type InputSpec } from "../image/index.js";
import {
  createBuilder,
  defaultOpset,
  int,
  ints,
  str,
  type Value,
  type GraphBuilder,
  type Model,
} from "../onnx/index.js";
import { anchorGrid, STRIDES } from "../students/index.js";
import type { TeacherFeeds } from "./step.js";

/** The student's side of a distillation: what the teacher's outputs have to fit. */
export interface StudentView {
  widthPx: number;
  heightPx: number;
  classCount: number;
  batch: number;
}

export interface ComposedTeacher {
  /** `images` uint8 `[B, H, W, 3]` at the student's size in; `teacher.*` out. */
  model: Model;
  feeds: TeacherFeeds;
  /** Images per run: the student's batch, or the teacher's own fixed batch. */
  batch: number;
  /** One line on what was found, for the log. */
  description: string;
}

const OLDEST_OPSET = 11;

/** Copies the nodes of `model` into the builder's graph, feeding its only image input from `image`. */
function inline(b: GraphBuilder, model: Model, image: Value): Map<Value, Value> {
  const { graph } = model;
  const copies = new Map<Value, Value>();
  for (const constant of graph.initializers.values())
    if (constant.initializer)
      copies.set(constant, b.initializer(`teacher/${constant.name}`, constant.initializer));
  const [input] = graph.inputs.filter((v) => !v.initializer);
  if (input) copies.set(input, image);
  for (const node of graph.nodes) {
    const outputs = b.multi(
      node.op,
      node.inputs.map((v) => (v ? (copies.get(v) ?? null) : null)),
      Object.fromEntries(node.attributes),
      {
        domain: node.domain,
        name: `teacher/${node.name || node.op}`,
        outputs: node.outputs.map((v) => `teacher/${v.name}`),
      },
    );
    node.outputs.forEach((v, i) => copies.set(v, outputs[i] as Value));
  }
  return copies;
}

/** uint8 NHWC at the student's size → the teacher's input: letterboxed, reordered, normalised. */
function preprocess(b: GraphBuilder, images: Value, view: StudentView, spec: InputSpec): Value {
  const planar = b.op("Transpose", [images], { perm: ints([0, 3, 1, 2]) });
  let x = b.op("Cast", [planar], { to: int(1) });
  if (spec.widthPx !== view.widthPx || spec.heightPx !== view.heightPx) {
    const t = letterboxTransform(view, spec);
    const scales = b.f32([1, 1, t.innerHeightPx / view.heightPx, t.innerWidthPx / view.widthPx]);
    x = b.op("Resize", [x, null, scales], {
      mode: str("linear"),
      coordinate_transformation_mode: str("half_pixel"),
    });
    const right = spec.widthPx - t.innerWidthPx - t.padXPx;
    const below = spec.heightPx - t.innerHeightPx - t.padYPx;
    const pads = b.i64([0, 0, t.padYPx, t.padXPx, 0, 0, below, right]);
    x = b.op("Pad", [x, pads, b.f32(spec.padValue)]);
  }
  if (spec.channels === "bgr") x = b.op("Gather", [x, b.i64([2, 1, 0])], { axis: int(1) });
  const shifted = b.op("Sub", [x, b.f32(spec.mean, [1, 3, 1, 1])]);
  const scaled = b.op("Mul", [shifted, b.f32(spec.scale, [1, 3, 1, 1])]);
  return spec.layout === "nhwc"
    ? b.op("Transpose", [scaled], { perm: ints([0, 2, 3, 1]) })
    : scaled;
}

/** The map that a pooled vector was averaged from, if the graph ends that way. */
function mapBehind(vector: Value): Value | undefined {
  let node = vector.producer();
  for (let hops = 0; node && hops < 6; hops++) {
    const pools = node.op === "GlobalAveragePool" || node.op === "ReduceMean";
    const [input] = node.inputs;
    if (pools && input?.dims?.length === 4) return input;
    if (!["Flatten", "Reshape", "Squeeze", "Identity", "Dropout"].includes(node.op))
      return undefined;
    node = input?.producer() ?? null;
  }
  return undefined;
}

/** Resizes a spatial map to the nearest of the student's levels. */
function fitToLevel(
  b: GraphBuilder,
  map: Value,
  view: StudentView,
): { value: Value; feeds: NonNullable<TeacherFeeds["features"]> } {
  const [, channels, rows, columns] = map.staticDims() ?? (map.dims as number[]);
  const levels = STRIDES.map((s) => ({ rows: view.heightPx / s, columns: view.widthPx / s }));
  const distance = (l: { rows: number }): number => Math.abs(Math.log(l.rows / (rows ?? 1)));
  const level = levels.reduce((best, l) => (distance(l) < distance(best) ? l : best));
  const same = level.rows === rows && level.columns === columns;
  const scales = b.f32([1, 1, level.rows / (rows ?? 1), level.columns / (columns ?? 1)]);
  const value = same
    ? map
    : b.op("Resize", [map, null, scales], {
        mode: str("linear"),
        coordinate_transformation_mode: str("half_pixel"),
      });
  return { value, feeds: { channels: channels ?? 0, ...level } };
}

/**
 * Puts a teacher behind the student's own image tensor and finds what it can teach, by the shapes of its outputs:
 * `[N, A, 4 + C]` on the student's cells → response; `[N, C, h, w]` → dense features; `[N, D]` → pooled embedding, and
 * the map it was pooled from.
 * @throws ONNX_UNSUPPORTED when the model is older than opset 11, has several inputs, or nothing to teach
 */
export function composeTeacher(
  model: Model,
  spec: InputSpec,
  view: StudentView,
  where = "teacher",
): ComposedTeacher {
  const opset = defaultOpset(model);
  const inputs = model.graph.inputs.filter((v) => !v.initializer);
  const refuse = (fact: string, hint: string): never => {
    throw new EdgeDistillError("ONNX_UNSUPPORTED", `${where}: ${fact}`, {
      hint,
      details: { path: where },
    });
  };
  if (opset < OLDEST_OPSET)
    refuse(
      `opset ${String(opset)} is older than ${String(OLDEST_OPSET)}`,
      "Export the teacher again with opset 13 or later.",
    );
  const [input] = inputs;
  if (inputs.length !== 1 || !input)
    return refuse(
      `it has ${String(inputs.length)} inputs, a teacher has one image input`,
      "Export the image model alone.",
    );
  const declared = input.dims?.[0];
  const batch = typeof declared === "number" && declared > 0 ? declared : view.batch;
  const b = createBuilder({ opset });
  const images = b.input("images", "uint8", [batch, view.heightPx, view.widthPx, 3]);
  const copies = inline(b, model, preprocess(b, images, view, spec));
  const feeds: TeacherFeeds = { detections: false };
  const found: string[] = [];
  const cells = anchorGrid(view).count;
  let embedding: Value | undefined;
  for (const original of model.graph.outputs) {
    const out = copies.get(original);
    const dims = out?.dims;
    if (!out || !dims) continue;
    if (
      dims.length === 3 &&
      dims[1] === cells &&
      dims[2] === 4 + view.classCount &&
      !feeds.detections
    ) {
      feeds.detections = true;
      b.output(out, "teacher.detections");
      found.push("detections");
    } else if (dims.length === 4 && !feeds.features) {
      const fit = fitToLevel(b, out, view);
      feeds.features = fit.feeds;
      b.output(fit.value, "teacher.features");
      found.push(`features ${dims.slice(1).join("x")}`);
    } else if (dims.length === 2 && typeof dims[1] === "number" && !embedding) {
      embedding = out;
      feeds.embedding = dims[1];
      b.output(out, "teacher.embedding");
      found.push(`embedding of ${String(dims[1])}`);
    }
  }
  const behind = embedding && !feeds.features ? mapBehind(embedding) : undefined;
  if (behind) {
    const fit = fitToLevel(b, behind, view);
    feeds.features = fit.feeds;
    b.output(fit.value, "teacher.features");
    found.push(`the ${String(fit.feeds.channels)}-channel map it is pooled from`);
  }
  if (found.length === 0)
    refuse(
      "no output is a feature map, an embedding or detections on the student's cells",
      "Export the teacher with a feature map [N, C, h, w] or a pooled vector [N, D] as output.",
    );
  return { model: b.model(), feeds, batch, description: found.join(", ") };
}
