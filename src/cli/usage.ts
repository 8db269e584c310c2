import { COMMON_OPTIONS, type Command } from "./command.js";
import type { OptionSpec } from "./options.js";
import { columns } from "./table.js";

/** Help of the program: its commands. */
export function programUsage(
  commands: Readonly<Record<string, { description: string }>>,
  version: string,
): string {
  return [
    `edge-distill ${version}: from a teacher and images to a signed bundle, and detections over MQTT`,
    "",
    "Usage: edge-distill COMMAND [flags]",
    "",
    "Commands:",
    ...columns(
      Object.entries(commands).map(([name, { description }]) => [`  ${name}`, description]),
    ),
    "",
    "Example:",
    "  edge-distill doctor",
    "",
    "edge-distill COMMAND --help tells the flags of a command.",
  ].join("\n");
}

/** Help of one command. */
export function commandUsage({
  name,
  description,
  example,
  options,
  positionals,
}: Command): string {
  const places = Object.entries(positionals);
  const words = places.map(([place, { required }]) =>
    required ? place.toUpperCase() : `[${place.toUpperCase()}]`,
  );
  return [
    description,
    "",
    `Usage: ${["edge-distill", name, ...words, "[flags]"].join(" ")}`,
    "",
    ...(places.length === 0
      ? []
      : [
          "Arguments:",
          ...columns(places.map(([place, p]) => [`  ${place.toUpperCase()}`, p.description])),
          "",
        ]),
    "Flags:",
    ...columns(
      Object.entries({ ...options, ...COMMON_OPTIONS }).map(([flag, spec]) => [
        flagForm(flag, spec),
        notes(spec),
      ]),
    ),
    "",
    "Example:",
    ...example.map((line) => `  ${line}`),
  ].join("\n");
}

function flagForm(flag: string, spec: OptionSpec): string {
  const short = spec.short === undefined ? "" : `-${spec.short}, `;
  return `  ${short}--${flag}${spec.type === "boolean" ? "" : ` ${spec.value}`}`;
}

function notes(spec: OptionSpec): string {
  if (spec.type === "boolean") return spec.description;
  const remarks = [
    ...(spec.type === "string" && spec.choices !== undefined
      ? [`one of ${spec.choices.join(", ")}`]
      : []),
    ...(spec.default === undefined ? [] : [`default: ${String(spec.default)}`]),
    ...(spec.required ? ["required"] : []),
    ...(spec.type === "string" && spec.multiple ? ["may be repeated"] : []),
  ];
  return remarks.length === 0 ? spec.description : `${spec.description} (${remarks.join("; ")})`;
}
