import type { JobResult, SelfCommand } from "../job/index.js";
import { formatBytes, table } from "./table.js";

/** How this process was started, so that another one can be started the same way. */
export function selfCommand(): SelfCommand {
  return { command: process.execPath, args: [...process.execArgv, process.argv[1] ?? ""] };
}

const number = (value: number | null | undefined, digits = 3): string =>
  value === null || value === undefined || Number.isNaN(value) ? "–" : value.toFixed(digits);

/** A job's result for people. */
export function jobText({
  teacher,
  student,
  scratch,
  baseline,
  variants,
  stream,
  iouThreshold,
  seconds,
  files,
}: JobResult): string {
  const networks = [
    [
      `teacher (${teacher.name})`,
      number(teacher.params, 0),
      number(teacher.map50),
      number(teacher.cpuSeconds, 0),
    ],
    [
      "student, distilled",
      number(student.params, 0),
      number(student.map50),
      number(student.cpuSeconds, 0),
    ],
    ...(scratch
      ? [
          [
            "student from scratch",
            number(student.params, 0),
            number(scratch.map50),
            number(scratch.cpuSeconds, 0),
          ],
        ]
      : []),
    ...(baseline ? [["threshold and components", "–", number(baseline.map50), "–"]] : []),
  ];
  const rows = variants.map((v) => [
    v.name,
    v.target,
    formatBytes(v.bytes),
    number(v.map50),
    number(v.ms, 2),
    v.audited ? `${String(v.integerConvs[0])}/${String(v.integerConvs[1])}` : "unaudited",
    v.audited ? `${(100 * v.integerMacShare).toFixed(1)} %` : "–",
  ]);
  const map = `mAP${String(Math.round(iouThreshold * 100))}`;
  return [
    table(["network", "parameters", map, "CPU s"], networks),
    "",
    table(["variant", "target", "size", map, "ms", "integer convs", "integer MACs"], rows),
    "",
    stream
      ? `stream: published ${String(stream.published)}, consumed ${String(stream.consumed)}, lost ${String(stream.lost)}, duplicated ${String(stream.duplicated)}`
      : "stream: failed",
    `bundle: ${files.bundle}`,
    `report: ${files.report}`,
    `${seconds.toFixed(0)} s`,
  ].join("\n");
}
