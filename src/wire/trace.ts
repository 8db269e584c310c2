import { z } from "zod";
import { bootIdSchema, idSchema } from "./identity.js";

/** How far to trust the wall time: disciplined by NTP, GNSS or PTP; known not to be; not known. */
export const clockQualitySchema = z.enum(["synced", "unsynced", "unknown"]);
export type ClockQuality = z.infer<typeof clockQualitySchema>;

/** By which a message is traced to the run of the device that made it. */
export const traceSchema = z.object({
  device: idSchema,
  boot: bootIdSchema,
  /** Running number of the boot, from 1: orders all that one boot said, and makes the id unique. Not without holes. */
  seq: z.int().positive(),
  /**
   * Running number within this topic and boot, from 1 and without holes: a missing number is a lost message.
   * Absent where only the newest message counts (state, birth).
   */
  topicSeq: z.int().positive().optional(),
  /** Nanoseconds of the device's monotonic clock at `time`, in decimal digits: doubles end at 104 days. */
  monotonicNs: z.string().regex(/^\d{1,20}$/, "must be 1 to 20 decimal digits"),
  clock: clockQualitySchema,
});
export type Trace = z.infer<typeof traceSchema>;

/** `device:boot:seq`: the same for every delivery of one message, different for any two messages. */
export function messageId({ device, boot, seq }: Pick<Trace, "device" | "boot" | "seq">): string {
  return `${device}:${boot}:${seq}`;
}
