import { existsSync } from "node:fs";
import type { ClockQuality } from "../wire/index.js";

/** One instant by both clocks of the device. */
export interface Instant {
  wallTime: Date;
  /** Of `process.hrtime.bigint()`: on Linux CLOCK_MONOTONIC, nanoseconds since the machine started. */
  monotonicNs: bigint;
}

/** Now, by both clocks. */
export function instantNow(): Instant {
  return { wallTime: new Date(), monotonicNs: process.hrtime.bigint() };
}

/** systemd-timesyncd makes this file when it has set the clock since the machine started. */
const TIMESYNC_FLAG = "/run/systemd/timesync/synchronized";

/**
 * What can be told of the wall clock without privileges: `synced` when systemd-timesyncd has set it, otherwise
 * `unknown`. A device with chrony, PTP or GNSS states its own.
 */
export function probeClockQuality(): ClockQuality {
  return existsSync(TIMESYNC_FLAG) ? "synced" : "unknown";
}
