import { reportError, runCommand } from './app/command.ts';
import { onStop } from './app/signals.ts';
import { outputFailure, say, watchOutputs } from './app/terminal.ts';
import { requireOwnSources } from './app/worker-sources.ts';
import { EXIT } from './base/errors.ts';
import { removeUnfinished } from './base/files/unfinished.ts';
import { COMMANDS, loadCommand } from './commands/index.ts';
import { helpOf, parseArguments } from './parse-arguments.ts';

const HELP = ['--help', '-h'];

async function main([name, ...argv]: string[]): Promise<number> {
  onStop(removeUnfinished);
  return name !== undefined && Object.hasOwn(COMMANDS, name) ? runNamed(name, argv) : showOverview(name);
}

async function runNamed(name: string, argv: string[]): Promise<number> {
  const command = await loadCommand(name);
  try {
    requireOwnSources(name);
    if (argv.some((word) => HELP.includes(word))) {
      process.stdout.write(`${await helpOf(name, command)}\n`);
      return EXIT.ok;
    }
    return await runCommand(name, command, await parseArguments(name, command, argv));
  } catch (error) {
    return reportError(name, error);
  }
}

function showOverview(name: string | undefined): number {
  const lines = Object.entries(COMMANDS).map(([command, { describe }]) => `  ${command.padEnd(18)}${describe}`);
  const text = `Usage: lanceflow <command> [options]\n\nCommands:\n${lines.join('\n')}\n\nlanceflow <command> --help explains one command.\n`;
  if (name === undefined || ['help', ...HELP].includes(name)) {
    process.stdout.write(text);
    return EXIT.ok;
  }
  say(`lanceflow: unknown command ${JSON.stringify(name)}.\n\n${text.trimEnd()}`);
  return EXIT.usage;
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
