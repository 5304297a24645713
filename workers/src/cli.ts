import { fileURLToPath } from 'node:url';
import { reportError, runCommand } from './app/command.ts';
import { isMonitored, startMonitoring } from './app/monitoring/monitor.ts';
import { onStop } from './app/signals.ts';
import { outputFailure, sayError, sayOnly, watchOutputs } from './app/terminal.ts';
import { LANCEFLOW_VERSION } from './app/version.ts';
import { requireOwnSources } from './app/worker-sources.ts';
import { EXIT } from './base/errors.ts';
import { removeUnfinished } from './base/files/unfinished.ts';
import { CLI_MESSAGES, GENERAL_COMMANDS, overview } from './cli-messages.ts';
import { COMMANDS, loadCommand } from './commands/index.ts';
import { helpOf, parseArguments } from './parse-arguments.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/lanceflow', import.meta.url));
const HELP = ['--help', '-h'];
const VERSION = ['--version', '-v'];
/** The option by which the script of `completion` requests completions; the words of the command line follow. */
const COMPLETIONS = '--get-yargs-completions';

async function main([name, ...argv]: string[]): Promise<number> {
  onStop(removeUnfinished);
  if (name === undefined || HELP.includes(name)) return answer(showOverview());
  if (VERSION.includes(name) || name === 'version') return answer(`lanceflow ${LANCEFLOW_VERSION}`);
  if (name === 'help') return argv[0] === undefined ? answer(showOverview()) : main([argv[0], '--help']);
  if (name === 'completion' || name === COMPLETIONS) return complete(name, argv);
  if (Object.hasOwn(COMMANDS, name)) return runNamed(name, argv);
  const known = name.startsWith('-')
    ? ['--help', '--version']
    : [...Object.keys(COMMANDS), ...GENERAL_COMMANDS.map(([general]) => general)];
  sayError('lanceflow', CLI_MESSAGES.unknownCommand(name, known));
  return EXIT.usage;
}

async function runNamed(name: string, argv: string[]): Promise<number> {
  const command = await loadCommand(name);
  try {
    requireOwnSources(name);
    if (argv.some((word) => HELP.includes(word))) return answer(await helpOf(name, command));
    if (argv.some((word) => VERSION.includes(word))) return answer(`lanceflow ${LANCEFLOW_VERSION}`);
    return await runCommand(name, command, await parseArguments(name, command, argv));
  } catch (error) {
    monitorRefused(name, argv);
    return reportError(name, error);
  }
}

/** Starts the events of a command line that was refused, so that its error is among them. */
function monitorRefused(name: string, argv: readonly string[]): void {
  const pathOf = (option: string) => {
    const at = argv.findIndex((word) => word === option || word.startsWith(`${option}=`));
    return at < 0 ? undefined : argv[at] === option ? argv[at + 1] : argv[at]!.slice(option.length + 1);
  };
  try {
    const files = { events: pathOf('--events') || undefined, metrics: pathOf('--metrics') || undefined };
    if (!isMonitored()) startMonitoring({ command: name, ...files, say: sayOnly });
  } catch {
    // One error is enough.
  }
}

/** Prints the script of a shell, or what can follow the words of an unfinished command line. */
async function complete(name: string, argv: string[]): Promise<number> {
  const { completionsOf, printCompletionScript } = await import('./completion.ts');
  try {
    // The first word is the program's name.
    if (name === COMPLETIONS) return answer(...(await completionsOf(argv.slice(1))));
    if (argv.some((word) => HELP.includes(word))) return answer(showOverview());
    printCompletionScript(PROGRAM, argv[0]);
    return EXIT.ok;
  } catch (error) {
    return reportError('completion', error);
  }
}

function showOverview(): string {
  return overview(Object.entries(COMMANDS).map(([name, { describe }]) => [name, describe]));
}

function answer(...lines: string[]): number {
  for (const line of lines) process.stdout.write(`${line}\n`);
  return EXIT.ok;
}

/** Ends the command with the exit code of an error that no promise handler caught. */
function onUncaught(error: unknown): void {
  // While Parquet is decoded, its own listener handles such errors.
  if (process.listenerCount('uncaughtException') > 1) return;
  removeUnfinished();
  process.exit(reportError(process.argv[2] ?? '', error));
}

watchOutputs();
process.on('uncaughtException', onUncaught);
const code = await main(process.argv.slice(2));
const failure = await outputFailure();
// Work that was abandoned, as a search after its time limit, may still write.
removeUnfinished();
// Threads of native libraries would keep the process alive. It ends here, or in app/signals.ts.
process.exit(failure === undefined ? code : reportError(process.argv[2] ?? '', failure));
