import { DataError, UsageError } from '../base/errors.ts';
import { formatByteSize } from '../base/text/byte-size.ts';
import { counted } from '../base/text/counted.ts';
import { findNearestName } from '../base/text/nearest-name.ts';

export function badRunPlan(where: string, problem: string): DataError {
  return new DataError(`${where}: not a plan of a run (${problem}). Write it again with plan --output.`);
}

export function otherRunPlanFormat(where: string, format: unknown, version: unknown): DataError {
  const by = typeof version === 'string' ? `, written by LanceFlow ${version},` : '';
  return new DataError(
    `${where}: format ${JSON.stringify(format)} of the plan${by} is not the one of this version. Write it again with plan --output.`,
  );
}

export function badPrices(where: string, problem: string): DataError {
  return new DataError(`${where}: not a table of prices (${problem}). docs/planning.md shows its fields.`);
}

/** @param known names of machine types */
export function unknownMachine(name: string, known: readonly string[]): UsageError {
  const near = findNearestName(name, known);
  const hint = near === undefined ? '' : ` Did you mean ${near}?`;
  return new UsageError(
    `--machine ${name}: unknown machine type.${hint} Known: ${known.join(', ')}. --prices FILE adds others.`,
  );
}

/** @param what the machine or the service */
export function missingPrice(what: string, date: string): UsageError {
  return new UsageError(
    `The prices of ${date} have none of ${what}. Add one to a file for --prices, or use --price-api.`,
  );
}

export function sheetOnS3(option: string, uri: string): UsageError {
  return new UsageError(
    `--${option} ${uri}: a plan reads no samplesheet from S3. Copy it to this machine; it may name files on S3.`,
  );
}

export function noSuchInput(option: string, path: string, code: string): UsageError {
  const reason = code === 'ENOENT' ? 'no such file or folder' : `it cannot be read (${code})`;
  return new UsageError(`--${option} ${path}: ${reason}. Correct the path, or give counts: --rows, --residues.`);
}

export function noInputFiles(option: string, path: string): UsageError {
  return new UsageError(
    `--${option} ${path}: no FASTA file or shard. Names must end with .fa, .fasta, .faa, .h5 or .hdf5.`,
  );
}

export function badSheet(option: string, path: string): UsageError {
  return new UsageError(`--${option} ${path}: a samplesheet needs a column "path" with a file in every line.`);
}

export function noSequencesSampled(path: string): DataError {
  return new DataError(`${path}: no FASTA record in what was read of it. Check that it is a FASTA file.`);
}

export function notPacked(path: string, cause: unknown): DataError {
  return new DataError(`${path}: it cannot be decompressed, although its name ends with .gz or .zst. Check the file.`, {
    cause,
  });
}

export function otherShardDimension(
  path: string,
  dimension: number,
  first: { path: string; dimension: number },
): DataError {
  return new DataError(
    `${path}: vectors of ${dimension} components; those of ${first.path} have ${first.dimension}. Plan only shards of one model.`,
  );
}

export function badGoal(text: string): UsageError {
  return new UsageError(
    `--goal ${text}: unknown goal. Use cheapest, fastest, hours=N or dollars=N, with a number above 0.`,
  );
}

export function bothCounts(files: string, count: string): UsageError {
  return new UsageError(`--${files} and --${count} contradict each other: name the files, or give counts.`);
}

/** @param more a count that must not be larger than `option`'s */
export function lackOfRows(option: string, value: number, more: number): UsageError {
  return new UsageError(
    `--${option} ${value} is less than ${more}: each sequence has a residue, and each shard a row. Correct one.`,
  );
}

export function modelNeeded(): UsageError {
  return new UsageError('FASTA needs a model: --model kmer, or the folder of a protein language model.');
}

export function otherVectors(option: string, path: string): UsageError {
  return new UsageError(
    `--${option} ${path}: the rows of this format are not counted. Give --rows and --dimension, or convert it with import-vectors.`,
  );
}

export function nothingToPlan(): UsageError {
  return new UsageError(
    'Nothing to plan: name what the run would build (--input, --rows or --residues) or search (--queries, --query-count).',
  );
}

export function nothingToBuild(): UsageError {
  return new UsageError('--goal compares bucket sizes of a build: add --input, --rows or --residues.');
}

export function nothingToSearch(database: string | undefined): UsageError {
  return new UsageError(
    database === undefined
      ? 'Queries need something to search: add --database, or what the run would build (--input, --rows or --residues).'
      : `${database} has no finished bucket to search. Correct --database, or add what the run would build (--input, --rows or --residues).`,
  );
}

export function goalNeedsPrice(goal: string): UsageError {
  return new UsageError(
    `--goal ${goal}: this machine has no price to compare. Name one with --machine, or use --goal fastest.`,
  );
}

export function badFileList(path: string, problem: string): DataError {
  return new DataError(`${path}: not a list of files (${problem}). The pipeline writes it; name files by --input.`);
}

export function otherOutcomeVersion(path: string, version: string, own: string): DataError {
  return new DataError(
    `${path}: LanceFlow ${version} wrote this outcome, and this is ${own}: the rates of another version may differ. Name an outcome of this version, or none.`,
  );
}

export function pendingNote(count: number, bucket: string): string {
  return `the plan is without ${counted(count, 'unfinished bucket')} of the database, such as ${bucket}: plan again after the build`;
}

export function diskNote(bytes: number, { name, diskGB }: { name: string; diskGB: number }): string {
  return `the run stores ${formatByteSize(bytes)}, and the disk of ${name} has ${formatByteSize(diskGB * 1e9)}`;
}

export function sampledNote(read: number, buckets: number): string {
  return `the catalog entries of ${read} of ${counted(buckets, 'bucket')} were read; they stand for all`;
}

export function unreadNote(option: string): string {
  return `sequences and vectors of --${option} follow from the sizes of its files, of which nothing was read`;
}
