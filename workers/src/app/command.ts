import type { ArgumentsCamelCase, InferredOptionTypes, Options } from 'yargs';
import { EXIT, toUserError, UserError, withFileName } from '../base/errors.ts';
import { printableJson } from '../base/text/printable.ts';
import { checkFileOptions } from './file-options.ts';
import { startMeter } from './meter.ts';
import { createProgress, log, type Progress } from './progress.ts';
import { print, say } from './terminal.ts';
import { s3Usage } from './usage.ts';

/** What every command reports, beside fields of its own. `bytes` is what was read or written, as the command says. */
export interface CommandResult {
  /** Rows (sequences, vectors, hits) the command wrote or, where it writes none, looked at. */
  rows: number;
  /** Bytes of the command's output. */
  bytes: number;
}

export interface CommandContext {
  /** A progress bar on a terminal, a line now and then elsewhere; always on standard error. */
  progress(label: string, total: number, unit: string): Progress;
  log(message: string): void;
}

/** Options every command takes. */
export const commonOptions = {
  json: {
    type: 'boolean',
    default: false,
    describe: 'Print one JSON object with rows, seconds, bytes and memory',
  },
} as const satisfies Record<string, Options>;

export interface Command<
  O extends Record<string, Options> = Record<string, Options>,
  R extends CommandResult = CommandResult,
> {
  readonly describe: string;
  readonly options: O;
  /** Command lines shown at the end of `--help`: [command line, what it does]. */
  readonly examples: ReadonlyArray<readonly [string, string]>;
  run(args: ArgumentsCamelCase<InferredOptionTypes<O>>, context: CommandContext): Promise<R>;
  /** What a person reads when the command has ended. Default: the number of rows and the time. */
  summary?(result: R): string;
  /** For a command whose result may be a bad one. Default: 0. */
  exitCode?(result: R): number;
}

/** Types a command's arguments from its options and its summary from what it gives; checks options that name files before it runs. */
export function defineCommand<const O extends Record<string, Options>, R extends CommandResult>(
  command: Command<O, R>,
): Command<O, R> {
  return {
    ...command,
    async run(args, context) {
      checkFileOptions(args);
      return command.run(args, context);
    },
  };
}

/**
 * Runs a command and reports: one JSON object on standard output with `--json`, a sentence on standard
 * error otherwise.
 * @returns the process's exit code; never throws
 */
export async function runCommand<O extends Record<string, Options>, R extends CommandResult>(
  name: string,
  command: Command<O, R>,
  args: ArgumentsCamelCase<InferredOptionTypes<O>>,
): Promise<number> {
  const meter = startMeter();
  try {
    const result = await command.run(args, { progress: createProgress, log });
    const report = { command: name, ...result, ...meter.read(), ...remoteUsage() };
    if (args.json === true) print(printableJson(report));
    else log(command.summary?.(result) ?? `${name}: ${result.rows} rows in ${report.seconds.toFixed(1)} s`);
    return command.exitCode?.(result) ?? EXIT.ok;
  } catch (thrown) {
    return reportError(name, namedByUser(thrown, args));
  }
}

/** An error about an input that has a name of its own (`--name`). */
function namedByUser(thrown: unknown, { name, input }: Record<string, unknown>): unknown {
  const error = toUserError(thrown);
  if (!(error instanceof UserError) || typeof name !== 'string' || !Array.isArray(input) || input.length !== 1)
    return error;
  return withFileName(error, `${input[0]}`, name);
}

/** What was asked of S3, where anything was. */
function remoteUsage(): Record<string, number> {
  const { requests, retries, sentBytes, receivedBytes } = s3Usage();
  return requests === 0 ? {} : { requests, retries, bytesSent: sentBytes, bytesReceived: receivedBytes };
}

/** Prints an error as a person wants to read it, with the stack only where it is a bug. */
export function reportError(name: string, thrown: unknown): number {
  const error = toUserError(thrown);
  if (error instanceof UserError) {
    say(`lanceflow ${name}: ${error.message}`);
    return error.exitCode;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say(`lanceflow ${name}: this is a bug in LanceFlow; please report it with these lines.\n${text}`);
  return EXIT.bug;
}
