import { UsageError } from '../base/errors.ts';
import { isStandardOutput } from '../base/files/stream-output.ts';

/** Options of all commands that name local files or folders. */
export const FILE_OPTIONS: readonly string[] = [
  ...[
    'input',
    'output',
    'ids',
    'plan',
    'shards',
    'queries',
    'neighbours',
    'reports',
    'outcome',
    'run-plan',
    'prices',
    'input-files',
    'query-files',
    'truth',
    'plot',
    'labels',
    'csv',
    'fasta',
    'description',
    'skipped',
  ],
  ...['work', 'cache', 'checkpoints', 'params-file', 'config', 'launch-dir', 'events', 'metrics'],
];

/** Options that also accept an address on S3. Their commands check them. */
export const ADDRESS_OPTIONS: readonly string[] = ['database', 'model', 'work-dir', 'embedding-cache'];

/** Options that name files to write, and accept `-` for standard output. */
export const OUTPUT_OPTIONS: readonly string[] = ['output', 'csv', 'fasta', 'description', 'skipped', 'events'];

/** Matches a scheme, also the misspelt `s3:/bucket`. */
const ADDRESS = /^\s*(?:([a-z][a-z0-9+.-]*):\/\/|(s3[an]?|file):)/i;

/**
 * Checks that options for local files do not hold addresses: `s3://bucket/x` would become a folder `s3:`.
 * @param args values by option name
 * @param addresses options of the command that may be addresses
 * @throws UsageError that names the option and what to do
 */
export function checkFileOptions(args: Readonly<Record<string, unknown>>, addresses: readonly string[] = []): void {
  for (const option of FILE_OPTIONS.filter((name) => !addresses.includes(name)))
    for (const value of [args[option]].flat()) if (typeof value === 'string') checkFilePath(`--${option}`, value);
}

/** Checks that a path is not an address. @param what the option or the variable, for the message @throws UsageError if it is one */
export function checkFilePath(what: string, path: string): void {
  const [, double, single] = ADDRESS.exec(path) ?? [];
  const scheme = (double ?? single)?.toLowerCase();
  if (scheme === undefined) return;
  const remedy =
    scheme === 'file'
      ? `give the path alone: ${path.trim().replace(/^file:(\/\/(localhost)?(?=\/))?/i, '')}`
      : 'name a file or folder on this machine, and copy it from or to that address with another program (aws s3 cp, curl)';
  throw new UsageError(`${what} ${path}: "${scheme}:" is not supported here; ${remedy}.`);
}

/** Checks that at most one output, the report included, goes to standard output. @throws UsageError that names the others */
export function checkStandardOutput(args: Readonly<Record<string, unknown>>): void {
  const names = OUTPUT_OPTIONS.filter((option) => {
    const value = args[option];
    return typeof value === 'string' && isStandardOutput(value);
  }).map((option) => `--${option}`);
  if (args.json === true) names.push('--json');
  if (names.length > 1) throw new UsageError(`${names.join(' and ')} both use standard output. Write a file.`);
}
