import type { Logger, OnProgress } from "../base/index.js";
import {
  parseOptions,
  type OptionTable,
  type ParsedOptions,
  type PositionalTable,
} from "./options.js";

/** What a command works with; nothing else writes to the terminal. */
export interface CommandContext {
  /** Fires on Ctrl-C. */
  signal: AbortSignal;
  /** Whether `--json` was given: `result` then prints the value, not the text. */
  json: boolean;
  /** Prints the result: the text for people, the value as one JSON line for `--json`. */
  result(text: string, value: unknown): void;
  onProgress: OnProgress;
  logger: Logger;
}

/** A command as the dispatcher sees it. */
export interface Command {
  name: string;
  description: string;
  /** Lines to paste into a shell. */
  example: readonly string[];
  options: OptionTable;
  positionals: PositionalTable;
  /** @returns the exit status; 0 when nothing is returned */
  execute(argv: readonly string[], context: CommandContext): Promise<number>;
}

/** Flags that every command has. */
export const COMMON_OPTIONS = {
  json: { type: "boolean", description: "Print the result, or the error, as one JSON line" },
  verbose: { type: "boolean", description: "Print debug messages, and stack traces of errors" },
  help: { type: "boolean", short: "h", description: "Show this help" },
} as const satisfies OptionTable;

/** Defines a command; `run` gets its arguments typed after the tables. */
export function defineCommand<
  const O extends OptionTable,
  const P extends PositionalTable = Record<never, never>,
>({
  run,
  positionals = {} as P,
  ...rest
}: {
  name: string;
  description: string;
  example: readonly string[];
  options: O;
  positionals?: P;
  run(
    args: ParsedOptions<O, P>,
    context: CommandContext,
  ): Promise<number | undefined> | Promise<void>;
}): Command {
  return {
    ...rest,
    positionals,
    async execute(argv, context) {
      const options = { ...rest.options, ...COMMON_OPTIONS };
      const args = parseOptions(argv, { options, positionals, command: rest.name });
      return (await run(args, context)) ?? 0;
    },
  };
}
