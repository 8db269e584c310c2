import { EdgeDistillError } from "../base/index.js";
import type { CommandContext } from "./command.js";
import { COMMANDS, type CommandEntry } from "./commands.js";
import { closest } from "./options.js";
import { createProgressRenderer, type ProgressStream } from "./progress.js";
import { asEdgeDistillError, renderError } from "./render-error.js";
import { commandUsage, programUsage } from "./usage.js";
import { version } from "./version.js";

export interface CliOptions {
  stdout?: { write(text: string): unknown };
  stderr?: ProgressStream;
  /** Fires to stop the command, as Ctrl-C does. */
  signal?: AbortSignal;
  commands?: Readonly<Record<string, CommandEntry>>;
}

/**
 * Runs one command line. Never throws: failures are rendered and become the exit status.
 * @param argv the words after the program's name
 * @returns exit status, see ERROR_CODES
 */
export async function runCli(
  argv: readonly string[],
  {
    stdout = process.stdout,
    stderr = process.stderr,
    signal = new AbortController().signal,
    commands = COMMANDS,
  }: CliOptions = {},
): Promise<number> {
  const flags = argv.slice(0, argv.includes("--") ? argv.indexOf("--") : argv.length);
  const json = flags.includes("--json");
  const verbose = flags.includes("--verbose");
  const progress = createProgressRenderer(stderr);
  const note = (text: string): void => {
    progress.clear();
    stderr.write(`${text}\n`);
  };
  const context: CommandContext = {
    signal,
    json,
    onProgress: progress.onProgress,
    result: (text, value) => {
      progress.clear();
      stdout.write(`${json ? JSON.stringify(value) : text}\n`);
    },
    logger: {
      debug: (message) => {
        if (verbose) note(message);
      },
      info: note,
      warn: (message) => {
        note(`warning: ${message}`);
      },
    },
  };
  try {
    const [name, ...rest] = argv;
    if (name === undefined || name === "--help" || name === "-h" || name === "help") {
      stdout.write(`${programUsage(commands, version())}\n`);
      return name === undefined ? 2 : 0;
    }
    if (name === "--version" || name === "-v") {
      stdout.write(`${version()}\n`);
      return 0;
    }
    const { default: command } = await find(name, commands).load();
    if (flags.includes("--help") || flags.includes("-h")) {
      stdout.write(`${commandUsage(command)}\n`);
      return 0;
    }
    return await command.execute(rest, context);
  } catch (error) {
    const known = asEdgeDistillError(error, { aborted: signal.aborted });
    progress.clear();
    if (json) stdout.write(`${JSON.stringify({ error: known })}\n`);
    if (!json || verbose) stderr.write(`${renderError(known, { verbose })}\n`);
    return known.exitStatus;
  } finally {
    progress.clear();
  }
}

function find(name: string, commands: Readonly<Record<string, CommandEntry>>): CommandEntry {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry !== undefined) return entry;
  const meant = closest(name, Object.keys(commands));
  throw new EdgeDistillError(
    "USAGE",
    name.startsWith("-")
      ? `edge-distill has no flag ${name} before the command`
      : `edge-distill has no command "${name}"`,
    {
      hint:
        meant === undefined ? "See: edge-distill --help" : `Did you mean: edge-distill ${meant}?`,
      details: { command: name },
    },
  );
}
