/** Where progress and diagnostics go; rooms never touch `console`. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
}

/** Swallows everything: the default of every function that takes a logger. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
};

/** One step of something long. `fraction` in [0, 1]. */
export interface Progress {
  stage: string;
  fraction: number;
  message?: string;
}

export type OnProgress = (progress: Progress) => void;
