import type { Options } from 'yargs';
import { DataError, systemErrorCode, UsageError } from '../base/errors.ts';
import { readText } from '../base/text/read-text.ts';
import { checkFilePath } from './file-options.ts';

/** Values that files add to multi-valued options, by option, in the order of the lines. */
export type Listed = ReadonlyMap<string, readonly string[]>;

const LIST = '-list';

/**
 * Reads the files of `--<option>-list FILE`, one value per line, for every multi-valued option. A file can hold more paths than a command
 * line, which the system limits to about ten thousand.
 * @throws UsageError if the file's name is missing or repeated
 * @throws DataError if it cannot be read
 */
export async function readListed(options: Record<string, Options>, argv: readonly string[]): Promise<Listed> {
  const listed = new Map<string, string[]>();
  for (const name of multiValued(options)) {
    const file = findListFile(`--${name}${LIST}`, argv);
    if (file !== undefined) listed.set(name, await readLines(file, `--${name}${LIST}`));
  }
  return listed;
}

/** Adds the `-list` options. An option whose list was passed becomes optional. */
export function listOptions(options: Record<string, Options>, listed: Listed): Record<string, Options> {
  const all = { ...options };
  for (const name of multiValued(options)) {
    if (listed.has(name)) all[name] = { ...options[name], demandOption: false };
    all[`${name}${LIST}`] = { type: 'string', describe: `File with values of --${name}, one per line` };
  }
  return all;
}

/** Appends the listed values to the parsed arguments. */
export function addListed(args: Record<string, unknown>, listed: Listed): void {
  for (const [name, values] of listed) {
    const passed = Array.isArray(args[name]) ? (args[name] as unknown[]) : [];
    const camel = name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    args[name] = args[camel] = [...passed, ...values];
  }
}

function multiValued(options: Record<string, Options>): string[] {
  return Object.keys(options).filter((name) => options[name]!.type === 'array' || options[name]!.array === true);
}

function findListFile(option: string, argv: readonly string[]): string | undefined {
  const found = argv.flatMap((word, i) => {
    if (word === option) return [argv[i + 1] ?? ''];
    return word.startsWith(`${option}=`) ? [word.slice(option.length + 1)] : [];
  });
  if (found.length > 1) throw new UsageError(`${option} is given ${found.length} times; it takes one value.`);
  if (found[0] === '' || found[0]?.startsWith('--')) throw new UsageError(`${option} is empty; it needs a file.`);
  return found[0];
}

async function readLines(path: string, option: string): Promise<string[]> {
  checkFilePath(option, path);
  const text = await readText(path).catch((error: unknown) => {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    throw new DataError(`${option} ${path}: no such file.`, { cause: error });
  });
  return text.split('\n').filter((line) => line !== '');
}
