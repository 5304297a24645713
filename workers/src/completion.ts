import yargs from 'yargs';
import type { Command } from './app/command.ts';
import { UsageError } from './base/errors.ts';
import { CLI_MESSAGES, GENERAL_COMMANDS } from './cli-messages.ts';
import { COMMANDS, loadCommand } from './commands/index.ts';
import { allOptions } from './parse-arguments.ts';

const SHELLS = ['bash', 'zsh'];

/**
 * Prints the script that completes commands and options in a shell.
 * @param program path of `bin/lanceflow`, which the script runs
 * @throws UsageError for an unknown shell
 */
export function printCompletionScript(program: string, shell = defaultShell()): void {
  if (!SHELLS.includes(shell)) throw new UsageError(CLI_MESSAGES.unknownShell(shell, SHELLS));
  // yargs chooses its script, and the form of its answers, by this variable.
  process.env.SHELL = shell;
  delete process.env.ZSH_NAME;
  const path = program.replaceAll(/[^\w/.-]/gu, (letter) => `\\${letter}`);
  yargs([]).scriptName(`env SHELL=${shell} ${path}`).showCompletionScript();
}

/** Lists what can follow the words of an unfinished command line, the last one included; nothing where a file's name follows. */
export async function completionsOf(words: readonly string[]): Promise<string[]> {
  const [first = '', ...rest] = words;
  if (rest.length === 0)
    return complete(yargs([]), [first], [...Object.entries(COMMANDS).map(describe), ...GENERAL_COMMANDS]);
  if (first === 'completion') return [...SHELLS];
  if (first === 'help') return complete(yargs([]), rest, Object.entries(COMMANDS).map(describe));
  if (!Object.hasOwn(COMMANDS, first)) return [];
  const command = await loadCommand(first);
  if (needsText(command, rest)) return [];
  return complete(yargs([]).options(allOptions(command)), rest, []);
}

function describe([name, { describe: what }]: [string, { describe: string }]): [string, string] {
  return [name, what];
}

async function complete(
  parser: ReturnType<typeof yargs>,
  words: readonly string[],
  commands: readonly [string, string][],
): Promise<string[]> {
  for (const [name, what] of commands) parser.command(name, what);
  const found = await parser
    .help(commands.length === 0)
    .version(false)
    .exitProcess(false)
    .getCompletion(words);
  return [...found];
}

/** Returns whether the last word is the value of an option that takes any text, such as a file's name. */
function needsText(command: Command, words: readonly string[]): boolean {
  const current = words.at(-1) ?? '';
  const options = allOptions(command);
  const last = words.slice(0, -1).findLastIndex((word) => word.startsWith('--'));
  const option = options[words[last]?.slice('--'.length) ?? ''];
  if (current.startsWith('-') || option === undefined || option.type === 'boolean' || option.choices) return false;
  return option.type === 'array' || option.array === true || last === words.length - 2;
}

function defaultShell(): string {
  return (process.env.SHELL ?? '').endsWith('zsh') ? 'zsh' : 'bash';
}
