/**
 * Every error code of the project and the process exit status it maps to.
 *
 * Exit statuses: 2 usage or configuration, 3 input data, 4 model or graph,
 * 5 integrity or trust, 6 engine or device, 7 network, 8 storage, 1 a defect of ours, 130 interrupted.
 */
export const ERROR_CODES = {
  // base
  INTERNAL: 1,
  INTERRUPTED: 130,
  IO_NOT_FOUND: 3,
  IO_DISK_FULL: 8,
  IO_FAILED: 8,
  // configuration and usage
  CONFIG_INVALID: 2,
  USAGE: 2,
  DEPENDENCY_MISSING: 6,
  // tensor and onnx
  TENSOR_SHAPE: 4,
  ONNX_CORRUPT: 4,
  ONNX_UNSUPPORTED: 4,
  ONNX_INVALID_GRAPH: 4,
  ONNX_SHAPE_INFERENCE: 4,
  ONNX_EXTERNAL_DATA: 4,
  // autograd and train
  AUTOGRAD_NO_RULE: 4,
  TRAIN_DIVERGED: 4,
  TRAIN_WEIGHTS: 4,
  CHECKPOINT_CORRUPT: 3,
  // engine
  ENGINE_LOAD: 6,
  ENGINE_RUN: 6,
  ENGINE_FEED: 4,
  ENGINE_PROVIDER: 6,
  ENGINE_CRASHED: 6,
  ENGINE_CLOSED: 1,
  // image
  IMAGE_NOT_AN_IMAGE: 3,
  IMAGE_CORRUPT: 3,
  IMAGE_TOO_LARGE: 3,
  IMAGE_SIZE: 1,
  // data
  DATA_EMPTY: 3,
  DATA_MISSING: 3,
  DATA_LABEL_UNKNOWN_CLASS: 3,
  DATA_LABEL_INVALID: 3,
  DATA_TOO_FEW: 3,
  // device
  DEVICE_UNKNOWN: 2,
  DEVICE_INVALID: 2,
  // decode
  DECODE_SHAPE: 4,
  DECODE_UNKNOWN: 2,
  // quantize
  QUANTIZE_PRESET_UNKNOWN: 2,
  QUANTIZE_PRESET_INVALID: 2,
  QUANTIZE_TOO_FEW_SAMPLES: 3,
  QUANTIZE_NON_FINITE: 4,
  QUANTIZE_ALREADY_QUANTIZED: 4,
  QUANTIZE_OPSET: 4,
  QUANTIZE_NOTHING: 4,
  QUANTIZE_UNCALIBRATED: 1,
  // evaluate
  EVALUATE_MISMATCH: 1,
  // bundle
  BUNDLE_INVALID: 5,
  BUNDLE_UNSIGNED: 5,
  BUNDLE_UNTRUSTED: 5,
  BUNDLE_TAMPERED: 5,
  BUNDLE_KEY: 5,
  BUNDLE_EXISTS: 2,
  // runtime
  RUNTIME_NO_VARIANT: 6,
  RUNTIME_CLOSED: 1,
  RUNTIME_SOURCE_TAKEN: 1,
  // wire, stream and consumer
  WIRE_INVALID: 3,
  WIRE_TOPIC: 2,
  STREAM_CONSUMER: 7,
  STREAM_UNREACHABLE: 7,
  STREAM_REFUSED: 7,
  STREAM_OUTBOX_FULL: 8,
  STREAM_CLOSED: 1,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof ERROR_CODES;
