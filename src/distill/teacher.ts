import type { InputSpec } from "../image/index.js";
import type { Engine, EngineSession } from "../engine/index.js";
import { serializeModel, type Model } from "../onnx/index.js";
import { elementCount, type HostTensor } from "../tensor/index.js";
import { composeTeacher, type StudentView } from "./compose-teacher.js";
import type { TeacherFeeds } from "./step.js";

/** A teacher ready to be asked about the student's own batches. */
export interface Teacher extends AsyncDisposable {
  feeds: TeacherFeeds;
  /** What it can teach, in words. */
  description: string;
  /** @param images uint8 `[N, H, W, 3]` @returns feeds of the distillation step, by name */
  run(images: HostTensor): Promise<Record<string, HostTensor>>;
}

/** Joins the runs of a teacher whose batch is not the student's; what is over is cut off. */
function concatenate(parts: readonly HostTensor[], batch: number): HostTensor {
  const [first] = parts;
  if (!first || (parts.length === 1 && first.dims[0] === batch)) return first as HostTensor;
  const dims = [batch, ...first.dims.slice(1)];
  const data = new Float32Array(elementCount(dims));
  let at = 0;
  for (const part of parts) {
    const own = (part.data as Float32Array).subarray(0, data.length - at);
    data.set(own, at);
    at += own.length;
  }
  return { dtype: "float32", dims, data };
}

/** Loads a teacher behind the student's image tensor. @throws ONNX_UNSUPPORTED, ENGINE_LOAD */
export async function openTeacher(
  model: Model,
  {
    engine,
    input,
    view,
    threads = 2,
    where,
  }: { engine: Engine; input: InputSpec; view: StudentView; threads?: number; where?: string },
): Promise<Teacher> {
  const composed = composeTeacher(model, input, view, where);
  const session: EngineSession = await engine.createSession(serializeModel(composed.model), {
    intraOpThreads: threads,
    // it takes turns with the training step
    spinning: false,
    name: where ?? "teacher",
  });
  const imageBytes = view.heightPx * view.widthPx * 3;
  return {
    feeds: composed.feeds,
    description: composed.description,
    run: async (images) => {
      const pixels = images.data as Uint8Array;
      const parts: Record<string, HostTensor>[] = [];
      for (let at = 0; at < view.batch; at += composed.batch) {
        const some = pixels.subarray(at * imageBytes, (at + composed.batch) * imageBytes);
        // a fixed batch that is not filled is filled up; what comes of that is cut off below
        const data =
          some.length === composed.batch * imageBytes
            ? some
            : new Uint8Array(composed.batch * imageBytes);
        if (data !== some) data.set(some);
        const dims = [composed.batch, view.heightPx, view.widthPx, 3];
        parts.push(await session.run({ images: { dtype: "uint8", dims, data } }));
      }
      return Object.fromEntries(
        Object.keys(parts[0] ?? {}).map((name) => [
          name,
          concatenate(
            parts.map((p) => p[name] as HostTensor),
            view.batch,
          ),
        ]),
      );
    },
    [Symbol.asyncDispose]: () => session.close(),
  };
}
