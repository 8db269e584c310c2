import type { OnProgress } from "../base/index.js";

export interface ProgressStream {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

export interface ProgressRenderer {
  onProgress: OnProgress;
  /** Takes the line away, so that other text can be written. */
  clear(): void;
}

const TTY_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 5000;

/**
 * Shows progress: on a terminal one line that is redrawn, at most ten times a second; elsewhere (a log file, CI) a line
 * at each new stage, then one every five seconds, and one at the end of the stage.
 */
export function createProgressRenderer(
  stream: ProgressStream,
  { nowMs = () => performance.now() }: { nowMs?: () => number } = {},
): ProgressRenderer {
  const tty = stream.isTTY === true;
  let stage: string | undefined;
  let finished = false;
  let drawnAtMs = -Infinity;
  let shown = false;
  const clear = (): void => {
    if (shown) stream.write("\r\u001b[2K");
    shown = false;
  };
  return {
    clear,
    onProgress: ({ stage: name, fraction, message = "" }) => {
      const isNew = name !== stage;
      const ends = fraction >= 1 && (isNew || !finished);
      const interval = tty ? TTY_INTERVAL_MS : PLAIN_INTERVAL_MS;
      if (!isNew && !ends && nowMs() - drawnAtMs < interval) return;
      stage = name;
      finished = fraction >= 1;
      drawnAtMs = nowMs();
      const percent = `${String(Math.round(Math.min(1, Math.max(0, fraction)) * 100)).padStart(3)} %`;
      const line = [name, percent, message].filter((part) => part !== "").join("  ");
      if (!tty) {
        stream.write(`${line}\n`);
        return;
      }
      clear();
      stream.write(line.slice(0, Math.max(20, (stream.columns ?? 80) - 1)));
      shown = true;
    },
  };
}
