import yargs from 'yargs';
import { type Command, commonOptions, reportError, runCommand } from './app/command.ts';
import { addListed, listOptions, readListed } from './app/listed-arguments.ts';
import { onStop } from './app/signals.ts';
import { outputFailure, say, watchOutputs } from './app/terminal.ts';
import { requireOwnSources } from './app/worker-sources.ts';
import { EXIT, UsageError } from './base/errors.ts';
import { removeUnfinished } from './base/files/unfinished.ts';
import { COMMANDS, loadCommand } from './commands/index.ts';
import { STANDARD_INPUT } from './fasta/standard-input.ts';

async function main(argv: string[]): Promise<number> {
  onStop(removeUnfinished);
  const name = argv[0] ?? '';
  return Object.hasOwn(COMMANDS, name) ? runNamed(name, argv.slice(1)) : showOverview(argv);
}

async function runNamed(name: string, argv: string[]): Promise<number> {
  const command = await loadCommand(name);
  try {
    requireOwnSources(name);
    const listed = await readListed(command.options, argv);
    const parser = yargs(nameStandardInput(argv))
      .scriptName('lanceflow')
      .usage(`lanceflow ${name}\n\n${command.describe}`)
      .options({ ...listOptions(command.options, listed), ...commonOptions })
      .example(command.examples.map(([line, what]): [string, string] => [`$0 ${line}`, what]))
      .strict()
      .version(false)
      .wrap(Math.min(110, process.stdout.columns ?? 100))
      .exitProcess(false)
      // Options only: a repeated single-valued option is a mistake, not a list.
      .parserConfiguration({
        'duplicate-arguments-array': true,
        'greedy-arrays': true,
        'parse-positional-numbers': false,
      })
      .fail((message, error) => {
        throw error ?? new UsageError(`${message.replace(/\s*\n\s*/g, ' ')}. See: lanceflow ${name} --help`);
      });
    if (argv.includes('--help') || argv.includes('-h')) {
      process.stdout.write(`${await parser.getHelp()}\n`);
      return EXIT.ok;
    }
    const args = await parser.parseAsync();
    checkSingleValues(command, args);
    addListed(args, listed);
    return await runCommand(name, command, args);
  } catch (error) {
    return reportError(name, error);
  }
}

/** `-` among the inputs: the parser would take it for the end of the list. */
function nameStandardInput(argv: readonly string[]): string[] {
  let option = '';
  return argv.map((word) => {
    if (word.startsWith('--')) option = word;
    return word === '-' && option === '--input' ? STANDARD_INPUT : word;
  });
}

/** @throws UsageError for an option without a value, or twice where it takes one */
function checkSingleValues({ options }: Command, args: Record<string, unknown>): void {
  for (const [name, { type, array }] of Object.entries(options)) {
    const value = args[name];
    if (Array.isArray(value) && type !== 'array' && array !== true)
      throw new UsageError(`--${name} is given ${value.length} times; it takes one value.`);
    if (value === '' || (Array.isArray(value) && value.includes('')))
      throw new UsageError(`--${name} is empty; it needs a value.`);
  }
}

function showOverview(argv: string[]): number {
  const wanted = argv[0] === undefined || ['--help', '-h', 'help'].includes(argv[0]);
  const lines = Object.entries(COMMANDS).map(([name, { describe }]) => `  ${name.padEnd(18)}${describe}`);
  const text = `Usage: lanceflow <command> [options]\n\nCommands:\n${lines.join('\n')}\n\nlanceflow <command> --help explains one command.\n`;
  if (wanted) {
    process.stdout.write(text);
    return EXIT.ok;
  }
  say(`lanceflow: unknown command ${JSON.stringify(argv[0])}.\n\n${text.trimEnd()}`);
  return EXIT.usage;
}

/** An error that nobody waited for ends the command as any other does. */
function onUncaught(error: unknown): void {
  // Parquet's decoder fails in this way, and has a listener of its own meanwhile.
  if (process.listenerCount('uncaughtException') > 1) return;
  removeUnfinished();
  process.exit(reportError(process.argv[2] ?? '', error));
}

watchOutputs();
process.on('uncaughtException', onUncaught);
const code = await main(process.argv.slice(2));
const failure = await outputFailure();
// Native libraries keep threads of their own alive, so the process ends here and nowhere else.
process.exit(failure === undefined ? code : reportError(process.argv[2] ?? '', failure));
