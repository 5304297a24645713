/** A process that runs command lines in folders for fuzz/engine/pool.ts, with the commands of bin/lanceflow. */
import { readFileSync, writeFileSync } from 'node:fs';
import { reportError, runCommand } from '../../workers/src/app/command.ts';
import { loadCommand } from '../../workers/src/commands/index.ts';
import { parseArguments } from '../../workers/src/parse-arguments.ts';
import type { StepResult } from './case.ts';

export interface Order {
  folder: string;
  steps: readonly (readonly string[])[];
}

export interface Reply {
  results: StepResult[];
  /** An error that escaped the command: in its own process it would end it with a stack. */
  escaped?: string;
  /** Largest growth of memory. */
  grownBytes: number;
}

const MOST_OUTPUT = 1 << 20;

let escaped: string | undefined;
const leaked = () => (escaped === undefined ? {} : { escaped });
const note = (error: unknown) => {
  escaped ??= error instanceof Error ? (error.stack ?? error.message) : String(error);
};
process.on('uncaughtException', note);
process.on('unhandledRejection', note);

process.on('message', async ({ folder, steps }: Order) => {
  escaped = undefined;
  process.chdir(folder);
  const before = resetPeak();
  const results: StepResult[] = [];
  for (const argv of steps) {
    const result = await runStep(argv);
    results.push(result);
    if (result.code !== 0) break;
  }
  // Waits for work that a command left to later.
  await new Promise((resolve) => setImmediate(resolve));
  const reply: Reply = { results, grownBytes: Math.max(0, peakBytes() - before), ...leaked() };
  process.send!(reply);
});

async function runStep(argv: readonly string[]): Promise<StepResult> {
  const [name = '', ...rest] = argv;
  const streams = [process.stdout, process.stderr] as const;
  const write = streams.map((stream) => stream.write);
  const said = ['', ''];
  for (const [i, stream] of streams.entries())
    stream.write = (text: string | Uint8Array): boolean => {
      if (said[i]!.length < MOST_OUTPUT) said[i] += typeof text === 'string' ? text : Buffer.from(text).toString();
      return true;
    };
  try {
    const code = await parseAndRun(name, rest);
    return { code, stdout: said[0]!, stderr: said[1]! };
  } finally {
    for (const [i, stream] of streams.entries()) stream.write = write[i]!;
  }
}

/** Runs a command line as workers/src/cli.ts does. */
async function parseAndRun(name: string, argv: readonly string[]): Promise<number> {
  try {
    const command = await loadCommand(name);
    return await runCommand(name, command, await parseArguments(name, command, [...argv, '--json']));
  } catch (error) {
    return reportError(name, error);
  }
}

/** Resets the system's measure of peak memory. @returns the memory in use */
function resetPeak(): number {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Without Linux, memory is not measured for each run.
  }
  return process.memoryUsage.rss();
}

function peakBytes(): number {
  try {
    return 1024 * Number(/VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);
  } catch {
    return process.memoryUsage.rss();
  }
}
