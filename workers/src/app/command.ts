import { availableParallelism } from 'node:os';
import type { ArgumentsCamelCase, InferredOptionTypes, Options } from 'yargs';
import { EXIT, toUserError, UserError, withFileName } from '../base/errors.ts';
import { counted } from '../base/text/counted.ts';
import { checkFileOptions, checkStandardOutput } from './file-options.ts';
import { startMeter } from './meter.ts';
import { endMonitoring, endMonitoringByError, startMonitoring } from './monitoring/monitor.ts';
import { shownOptions } from './monitoring/shown-options.ts';
import { createProgress, log, type Progress } from './progress.ts';
import { beQuiet, printJson, sayError, sayOnly, warn } from './terminal.ts';
import { s3Usage } from './usage.ts';

/** The figures that every command reports. A command may add its own fields. */
export interface CommandResult {
  /** Rows (sequences, vectors, hits) that the command wrote, or read if it writes none. */
  rows: number;
  /** Bytes that the command wrote, or read if it writes none. */
  bytes: number;
}

export interface CommandContext {
  /** Shows a progress bar on a terminal, a line every ten seconds elsewhere; always on standard error. */
  progress(label: string, total: number, unit: string): Progress;
  /** Writes a line to standard error, but not with `--quiet`. */
  log(message: string): void;
  /** Writes a line about a problem to standard error, also with `--quiet`. */
  warn(message: string): void;
}

/** Options that every command takes. */
export const commonOptions = {
  json: {
    type: 'boolean',
    default: false,
    describe:
      'Print one JSON object on standard output: rows, bytes, seconds, CPU seconds, peak memory, and fields of the command',
  },
  quiet: {
    type: 'boolean',
    alias: 'q',
    default: false,
    describe: 'Show no progress and no messages, only results and errors',
  },
  events: {
    type: 'string',
    describe:
      'File to which a line of JSON is appended for the start, progress, messages and the end (docs/monitoring.md)',
  },
  metrics: {
    type: 'string',
    describe: 'File of metrics for Prometheus (OpenMetrics), replaced every 10 seconds and at the end',
  },
} as const satisfies Record<string, Options>;

/** Parsed options, under their names and in camel case. */
export type CommandArguments<O extends Record<string, Options>> = ArgumentsCamelCase<
  InferredOptionTypes<O & typeof commonOptions>
>;

export interface Command<
  O extends Record<string, Options> = Record<string, Options>,
  R extends CommandResult = CommandResult,
> {
  readonly describe: string;
  readonly options: O;
  /** Option whose value may also be given without its name: `ask SEQUENCE`. */
  readonly positional?: string;
  /** Options for files that accept an address on S3 too, and are checked by the command. */
  readonly addresses?: readonly string[];
  /** Command lines shown at the end of `--help`: [command line, what it does]. */
  readonly examples: ReadonlyArray<readonly [string, string]>;
  run(args: CommandArguments<O>, context: CommandContext): Promise<R>;
  /** Summarizes the result in one line. Default: the row count and the time. */
  summary?(result: R): string;
  /** Returns whether the summary is the answer itself, which `--quiet` keeps. Default: no. */
  isAnswer?(result: R): boolean;
  /** Returns the exit code of a command that can end with a bad result. Default: 0. */
  exitCode?(result: R): number;
}

/**
 * Defines a command. Its options determine the types of its arguments, and its result that of its summary. Options that name files are
 * checked before it runs.
 */
export function defineCommand<const O extends Record<string, Options>, R extends CommandResult>(
  command: Command<O, R>,
): Command<O, R> {
  return {
    ...command,
    async run(args, context) {
      checkFileOptions(args, command.addresses);
      checkStandardOutput(args);
      return command.run(args, context);
    },
  };
}

/**
 * Runs a command and prints its report: with `--json` one JSON object on standard output, otherwise one line on standard error.
 * @returns the process's exit code; never throws
 */
export async function runCommand<O extends Record<string, Options>, R extends CommandResult>(
  name: string,
  command: Command<O, R>,
  args: CommandArguments<O>,
): Promise<number> {
  const meter = startMeter();
  const started = new Date().toISOString();
  if (args.quiet) beQuiet();
  try {
    const { events, metrics } = args;
    const options = shownOptions(args, Object.keys({ ...command.options, ...commonOptions }));
    startMonitoring({ command: name, options, events, metrics, say: sayOnly });
    const result = await command.run(args, { progress: createProgress, log, warn });
    const report = {
      command: name,
      ...result,
      ...meter.read(),
      ...remoteUsage(),
      started,
      cores: availableParallelism(),
    };
    if (args.json) printJson(report);
    else if (!args.quiet || command.isAnswer?.(result))
      sayOnly(command.summary?.(result) ?? `${name}: ${counted(result.rows, 'row')} in ${report.seconds.toFixed(1)} s`);
    const exitCode = command.exitCode?.(result) ?? EXIT.ok;
    endMonitoring(exitCode, report);
    return exitCode;
  } catch (thrown) {
    return reportError(name, withUserName(thrown, args));
  }
}

/** Replaces an input's path in an error with the name that the user chose for it (`--name`). */
function withUserName(thrown: unknown, { name, input }: Record<string, unknown>): unknown {
  const error = toUserError(thrown);
  if (!(error instanceof UserError) || typeof name !== 'string' || !Array.isArray(input) || input.length !== 1)
    return error;
  return withFileName(error, `${input[0]}`, name);
}

/** Returns the counts of requests to S3 and their bytes; an empty object if no request was made. */
function remoteUsage(): Record<string, number> {
  const { requests, retries, sentBytes, receivedBytes } = s3Usage();
  return requests === 0 ? {} : { requests, retries, bytesSent: sentBytes, bytesReceived: receivedBytes };
}

/** Prints an error, also as an event: one line for a user's error, the stack for a bug. @returns the exit code */
export function reportError(name: string, thrown: unknown): number {
  const error = toUserError(thrown);
  if (error instanceof UserError) {
    endMonitoringByError(error.exitCode, error.message);
    sayError(`lanceflow ${name}`, error.message);
    return error.exitCode;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  endMonitoringByError(EXIT.bug, error instanceof Error ? error.message : text, text);
  sayError(`lanceflow ${name}`, `this is a bug in LanceFlow; please report it with these lines.\n${text}`);
  return EXIT.bug;
}
