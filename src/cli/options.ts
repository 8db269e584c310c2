import { parseArgs } from "node:util";
import { EdgeDistillError } from "../base/index.js";

/** One flag of a command. `value` is the placeholder that help shows. */
export type OptionSpec =
  | { type: "boolean"; description: string; short?: string }
  | {
      type: "string";
      value: string;
      description: string;
      short?: string;
      default?: string;
      required?: true;
      /** May be given several times. */
      multiple?: true;
      choices?: readonly string[];
    }
  | {
      type: "number";
      value: string;
      description: string;
      short?: string;
      default?: number;
      required?: true;
      integer?: true;
      min?: number;
      max?: number;
    };

/** One argument without a flag, in the order of the table. */
export interface PositionalSpec {
  description: string;
  required?: true;
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;
export type PositionalTable = Readonly<Record<string, PositionalSpec>>;

type Scalar<S extends OptionSpec> = S extends { type: "number" } ? number : string;
type OptionValue<S extends OptionSpec> = S extends { type: "boolean" }
  ? boolean
  : S extends { multiple: true }
    ? string[]
    : S extends { required: true } | { default: string | number }
      ? Scalar<S>
      : Scalar<S> | undefined;

/** What a command gets: flags and positional arguments by name. */
export type ParsedOptions<O extends OptionTable, P extends PositionalTable> = {
  readonly [K in keyof O]: OptionValue<O[K]>;
} & { readonly [K in keyof P]: P[K] extends { required: true } ? string : string | undefined };

/**
 * Parses a command's arguments: flags anywhere, `--flag value` or `--flag=value`, `--` ends the flags.
 * @throws USAGE on an unknown flag, a missing or wrong value, too many or too few arguments
 */
export function parseOptions<O extends OptionTable, P extends PositionalTable>(
  argv: readonly string[],
  { options, positionals, command }: { options: O; positionals: P; command: string },
): ParsedOptions<O, P> {
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(
      Object.entries(options).map(([name, spec]) => [
        name,
        {
          type: spec.type === "boolean" ? ("boolean" as const) : ("string" as const),
          ...(spec.short === undefined ? {} : { short: spec.short }),
        },
      ]),
    ),
  });
  const usage = (message: string, hint = `See: edge-distill ${command} --help`): EdgeDistillError =>
    new EdgeDistillError("USAGE", message, { hint, details: { command } });
  const values: Record<string, unknown> = {};
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const spec = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (spec === undefined) {
      const meant = closest(token.name, Object.keys(options));
      throw usage(
        `edge-distill ${command} has no flag ${token.rawName}`,
        meant === undefined ? undefined : `Did you mean --${meant}?`,
      );
    }
    if (spec.type === "boolean") {
      if (token.value !== undefined) throw usage(`${token.rawName} takes no value`);
      values[token.name] = true;
      continue;
    }
    const flagAsValue = token.inlineValue === false && /^-[^\d.]/.test(token.value ?? "");
    if (token.value === undefined || token.value === "" || flagAsValue)
      throw usage(`${token.rawName} needs a value: ${spec.value}`);
    const value = readValue(spec, token.value, token.rawName, usage);
    if (spec.type === "string" && spec.multiple) {
      const list = (values[token.name] ??= []) as string[];
      list.push(String(value));
    } else values[token.name] = value;
  }
  for (const [name, spec] of Object.entries(options)) {
    if (values[name] !== undefined) continue;
    if (spec.type === "boolean") values[name] = false;
    else if (spec.required) throw usage(`edge-distill ${command} needs --${name} ${spec.value}`);
    else if (spec.type === "string" && spec.multiple) values[name] = [];
    else values[name] = spec.default;
  }
  for (const [name, spec] of Object.entries(positionals)) {
    const word = words.shift();
    if (word === undefined && spec.required)
      throw usage(`edge-distill ${command} needs ${name.toUpperCase()}: ${spec.description}`);
    values[name] = word;
  }
  if (words.length > 0)
    throw usage(`edge-distill ${command} takes no argument "${words.join(" ")}"`);
  return values as ParsedOptions<O, P>;
}

function readValue(
  spec: Exclude<OptionSpec, { type: "boolean" }>,
  text: string,
  flag: string,
  usage: (message: string) => EdgeDistillError,
): string | number {
  if (spec.type === "string") {
    if (spec.choices !== undefined && !spec.choices.includes(text))
      throw usage(`${flag} is one of ${spec.choices.join(", ")}, not "${text}"`);
    return text;
  }
  const number = Number(text);
  const { min = -Infinity, max = Infinity } = spec;
  const whole = spec.integer ? "a whole number" : "a number";
  if (!Number.isFinite(number) || (spec.integer && !Number.isInteger(number)))
    throw usage(`${flag} is ${whole}, not "${text}"`);
  if (number < min || number > max)
    throw usage(`${flag} is ${whole} from ${String(min)} to ${String(max)}, not ${text}`);
  return number;
}

/** The known name nearest to a mistyped one, if it is near at all. */
export function closest(name: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= (name.length < 3 ? 1 : 2)
    ? best.candidate
    : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}
