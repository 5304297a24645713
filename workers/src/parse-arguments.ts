import yargs, { type ArgumentsCamelCase, type InferredOptionTypes, type Options } from 'yargs';
import { type Command, commonOptions } from './app/command.ts';
import { OUTPUT_OPTIONS } from './app/file-options.ts';
import { addListed, type Listed, listOptions, readListed } from './app/listed-arguments.ts';
import { resolveOptionNames, unknownOption } from './app/option-names.ts';
import { UsageError } from './base/errors.ts';
import { STANDARD_OUTPUT } from './base/files/stream-output.ts';
import { quoteValue } from './base/text/quote.ts';
import { STANDARD_INPUT } from './fasta/standard-input.ts';

const WIDEST_HELP = 110;
/** Options of every command that `cli.ts` reads itself. */
const GENERAL = ['help', 'version'];

type Arguments = ArgumentsCamelCase<InferredOptionTypes<Record<string, Options> & typeof commonOptions>>;

/**
 * Parses the arguments of a command, those in files (`--input-list`) included.
 * @throws UsageError naming the wrong option, and where to read about it
 */
export async function parseArguments(name: string, command: Command, argv: readonly string[]): Promise<Arguments> {
  const words = resolveOptionNames(`lanceflow ${name}`, argv, optionNames(command));
  const listed = await readListed(command.options, words);
  const args = await parserOf(name, command, nameStreams(words), listed).parseAsync();
  readPositional(name, command, args);
  checkSingleValues(command, args);
  addListed(args, listed);
  return args;
}

/** Returns the names of all options of a command, those of files with values and those of every command included. */
export function optionNames(command: Command): Set<string> {
  return new Set([...Object.keys(allOptions(command)), ...GENERAL]);
}

/** Returns the definitions of all options of a command. @param listed options whose values are in a file */
export function allOptions(
  { options }: Command,
  listed: Listed = new Map(),
): Record<string, Options> & typeof commonOptions {
  return { ...listOptions(options, listed), ...commonOptions };
}

/** Returns the text of `lanceflow <name> --help`. */
export function helpOf(name: string, command: Command): Promise<string> {
  return parserOf(name, command, [], new Map()).getHelp();
}

function parserOf(name: string, command: Command, argv: readonly string[], listed: Listed) {
  const parser = yargs(argv);
  // The words without a name are checked by `readPositional`.
  const strict = command.positional === undefined ? parser.strict() : parser.strictOptions();
  return (
    strict
      .scriptName('lanceflow')
      .usage(`lanceflow ${name}${positionalUsage(command)}\n\n${command.describe}`)
      .options(allOptions(command, listed))
      .example(command.examples.map(([line, what]): [string, string] => [`$0 ${line}`, what]))
      .version(false)
      .wrap(Math.min(WIDEST_HELP, process.stdout.columns ?? 100))
      .exitProcess(false)
      // Every value belongs to an option. A single-valued option that is repeated is a mistake, not a list.
      .parserConfiguration({
        'duplicate-arguments-array': true,
        'greedy-arrays': true,
        'parse-positional-numbers': false,
      })
      .fail((message, error) => {
        throw error ?? new UsageError(refusal(name, command, argv, message));
      })
  );
}

/** Turns a message of the parser into one of ours. */
function refusal(name: string, command: Command, argv: readonly string[], message: string): string {
  const [, unknown] = /^Unknown arguments?: (.+)$/s.exec(message) ?? [];
  if (unknown === undefined) return `${message.replace(/\s*\n\s*/g, ' ')}. See: lanceflow ${name} --help`;
  // Options with two hyphens were checked before.
  const [first = ''] = unknown.split(', ');
  const typed = argv.find((word) => /^-[^-]/.test(word) && word.includes(first));
  if (typed !== undefined) return unknownOption(`lanceflow ${name}`, typed, optionNames(command));
  return `${quoteValue(first)} belongs to no option. See: lanceflow ${name} --help`;
}

/** Replaces `-` of inputs and outputs, which the parser would treat as the end of a list, or as an empty value. */
function nameStreams(argv: readonly string[]): string[] {
  let stream: string | undefined;
  return argv.map((word) => {
    const [, option, value] = /^--([^=]+)(=-)?$/.exec(word) ?? [];
    if (option === undefined) return word === '-' ? (stream ?? word) : word;
    if (OUTPUT_OPTIONS.includes(option)) stream = STANDARD_OUTPUT;
    else stream = option === 'input' ? STANDARD_INPUT : undefined;
    return value !== undefined && stream !== undefined ? `--${option}=${stream}` : word;
  });
}

function positionalUsage({ positional }: Command): string {
  return positional === undefined ? '' : ` [${positional.toUpperCase()}]`;
}

/** Moves the word without an option's name to its option. @throws UsageError if there are several, or the option is given too */
function readPositional(name: string, { positional }: Command, args: Arguments): void {
  const words = args._.map(String);
  if (positional === undefined || words.length === 0) return;
  const given: Record<string, unknown> = args;
  if (words.length > 1 || given[positional] !== undefined)
    throw new UsageError(`${name} takes one ${positional}, but several were given. See: lanceflow ${name} --help`);
  given[positional] = words[0];
}

/** @throws UsageError for an option without a value, or a single-valued option with several */
function checkSingleValues({ options }: Command, args: Record<string, unknown>): void {
  for (const [name, { type, array }] of Object.entries(options)) {
    const value = args[name];
    if (Array.isArray(value) && type !== 'array' && array !== true)
      throw new UsageError(`--${name} is given ${value.length} times; it takes one value.`);
    if (value === '' || (Array.isArray(value) && value.includes('')))
      throw new UsageError(`--${name} is empty; it needs a value.`);
  }
}
