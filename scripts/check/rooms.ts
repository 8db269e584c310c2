/** The rooms of `src` and what each may see. The import rules are made from this table alone. */
export interface Room {
  /** A room imports from lower floors. */
  floor: number;
  /** Rooms of its own floor that it needs, named one by one. */
  neighbours?: readonly string[];
  /** When given, the only rooms it may import. */
  only?: readonly string[];
  /** Runs on the device: never imports a workshop room. */
  device?: true;
  /** Trains and converts, on a workstation. */
  workshop?: true;
}

export const ROOMS: Readonly<Record<string, Room>> = {
  base: { floor: 0 },
  tensor: { floor: 1 },
  wire: { floor: 1, device: true },
  device: { floor: 1, device: true },
  onnx: { floor: 2 },
  engine: { floor: 2, device: true },
  image: { floor: 2, device: true },
  decode: { floor: 2, neighbours: ["image"], device: true },
  bundle: { floor: 2, neighbours: ["image"], device: true },
  consumer: { floor: 2, only: ["base", "wire"] },
  autograd: { floor: 3, workshop: true },
  data: { floor: 3, workshop: true },
  train: { floor: 4, workshop: true },
  students: { floor: 4, neighbours: ["train"], workshop: true },
  evaluate: { floor: 4, workshop: true },
  quantize: { floor: 5, workshop: true },
  runtime: { floor: 5, device: true },
  stream: { floor: 5, neighbours: ["runtime"], device: true },
  distill: { floor: 6, workshop: true },
  fleet: { floor: 6 },
  job: { floor: 7 },
  doors: { floor: 8 },
  cli: { floor: 9 },
};

/** Packages that only these rooms import. */
export const ONLY_IMPORTERS: Readonly<Record<string, readonly string[]>> = {
  sharp: ["image"],
  "onnxruntime-node": ["engine"],
  koffi: ["engine"],
  mqtt: ["stream", "consumer"],
};
