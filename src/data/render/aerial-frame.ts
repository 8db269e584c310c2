import { createRng } from "../../base/index.js";
import {
  paintLand,
  paintObstacle,
  paintRoad,
  paintVehicle,
  paintVehicleShadow,
} from "./aerial-paint.kernel.js";
import { AERIAL_CLASSES, AERIAL_FRAME, sampleAerialScene } from "./aerial-scene.js";
import { applyLight, blurCanvas, createCanvas, developCanvas } from "./canvas.kernel.js";
import type { RenderedFrame } from "./line-frame.js";
import { writeRenderedSet, type RenderedSet, type RenderSetOptions } from "./write-set.js";

/**
 * Renders one aerial frame, 640x640: fields and roads from above with cars, trucks and buses of 10 to 40 px.
 * Boxes hold the pixels that each vehicle covers, not its shadow.
 * @param options.omitVehicles vehicles left out, by their place in the full frame's annotations
 */
export function renderAerialFrame({
  seed,
  index,
  omitVehicles = [],
}: {
  seed: number | string;
  index: number;
  omitVehicles?: readonly number[];
}): RenderedFrame {
  const scene = sampleAerialScene(seed, index);
  const canvas = createCanvas(AERIAL_FRAME.widthPx, AERIAL_FRAME.heightPx);
  const vehicles = scene.vehicles.filter((_, i) => !omitVehicles.includes(i));
  paintLand(canvas, scene);
  for (const road of scene.roads) paintRoad(canvas, road);
  for (const obstacle of scene.obstacles) paintObstacle(canvas, obstacle, scene);
  for (const vehicle of vehicles) paintVehicleShadow(canvas, vehicle, scene);
  const annotations = vehicles.flatMap((vehicle) => {
    const box = paintVehicle(canvas, vehicle);
    return box === undefined ? [] : [{ classId: AERIAL_CLASSES.indexOf(vehicle.kind), box }];
  });
  applyLight(canvas, { ...scene, spots: [], vignette: 0.12 });
  blurCanvas(canvas, { softness: scene.softness, motionPx: 1 });
  const noise = createRng(`aerial-noise/${String(seed)}/${String(index)}`);
  return { pixels: developCanvas(canvas, noise, scene), ...AERIAL_FRAME, annotations };
}

/**
 * Renders the aerial set, laid out like {@link renderLineSet}'s.
 * @throws IO_DISK_FULL, IO_FAILED, INTERRUPTED, DEPENDENCY_MISSING
 */
export async function renderAerialSet(
  folder: string,
  { seed = 1, counts = {}, ...options }: RenderSetOptions = {},
): Promise<RenderedSet> {
  return writeRenderedSet(
    folder,
    {
      name: "aerial",
      classes: AERIAL_CLASSES,
      render: (index) => renderAerialFrame({ seed, index }),
    },
    { unlabelled: 60, labelled: 16, heldOut: 24, ...counts },
    options,
  );
}
