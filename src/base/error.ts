import { ERROR_CODES, type ErrorCode } from "./codes.js";

export interface EdgeDistillErrorOptions {
  /** One thing the reader can do about it. */
  hint?: string;
  /** Machine-readable facts: file, node, field path … */
  details?: Readonly<Record<string, unknown>>;
  cause?: unknown;
}

/**
 * The one error class that crosses a room's door. `message` is the fact and the place, `hint` the cure.
 */
export class EdgeDistillError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    { hint, details = {}, cause }: EdgeDistillErrorOptions = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "EdgeDistillError";
    this.code = code;
    this.hint = hint;
    this.details = details;
  }

  /** Process exit status for this code. */
  get exitStatus(): number {
    return ERROR_CODES[this.code];
  }

  /** Plain form that survives `postMessage` and JSON. */
  toJSON(): SerializedError {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      details: this.details,
    };
  }

  static fromJSON({ code, message, hint, details }: SerializedError): EdgeDistillError {
    return new EdgeDistillError(code, message, {
      ...(hint === undefined ? {} : { hint }),
      ...(details === undefined ? {} : { details }),
    });
  }
}

export interface SerializedError {
  code: ErrorCode;
  message: string;
  hint?: string;
  details?: Readonly<Record<string, unknown>>;
}

/** Human text of an unknown thrown value. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether `error` is a Node system error with this `code` (ENOENT, ENOSPC …). */
export function isSystemError(error: unknown, ...codes: string[]): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    typeof error.code === "string" &&
    codes.includes(error.code)
  );
}
