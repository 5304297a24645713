import { requireEvalue, requireWhole } from '../../app/option-checks.ts';
import { UsageError } from '../../base/errors.ts';
import { readText } from '../../base/text/read-text.ts';
import { checkBucketName } from '../../database/catalog/bucket-name.ts';
import { parseColumns } from '../../database/catalog/kept-columns.ts';
import { STANDARD_INPUT } from '../../fasta/standard-input.ts';
import type { DatasetNames } from '../../shard/layouts/find-layout.ts';
import { findVectorKind } from '../../shard/layouts/vector-kind.ts';
import { requireOutputsApart } from '../outputs-apart.ts';
import type { AskOptions } from './ask-database.ts';
import { type AskSettings, checkAskSettings, MOST_NEIGHBOURS } from './ask-settings.ts';
import { IN_PLACE_MESSAGES } from './in-place-messages.ts';
import { type AnswerOutput, checkOutput, type Format } from './output/answer-format.ts';

/** The options of `ask`, as given on the command line. */
export interface AskCommandOptions {
  sequence?: string | undefined;
  input: readonly string[];
  h5Embedding?: string | undefined;
  h5Id?: string | undefined;
  id?: string | undefined;
  k: number;
  nprobes?: number | undefined;
  refineFactor?: number | undefined;
  excludeSelf: boolean;
  maxDistance?: number | undefined;
  where?: string | undefined;
  maxEvalue?: number | undefined;
  buckets?: string | undefined;
  concurrency?: number | undefined;
  timeout?: number | undefined;
  allowPartial: boolean;
  columns?: string | undefined;
  format?: Format | undefined;
  output?: string | undefined;
  csvSafe: boolean;
  json: boolean;
}

/** Where queries come from. */
export type QuerySource =
  | { kind: 'text'; text: string }
  | { kind: 'files'; paths: readonly string[] }
  | { kind: 'vectors'; paths: readonly string[]; named: DatasetNames }
  | { kind: 'id'; id: string };

/** A checked command line. */
export interface AskRequest {
  queries: QuerySource;
  settings: AskSettings;
  options: AskOptions;
  /** Kept columns to add to the neighbours. */
  columns: readonly string[];
  output: AnswerOutput;
}

/** Checks a command line, and finds out what the inputs are. @throws UsageError naming the option that is wrong */
export async function checkAskOptions(args: AskCommandOptions): Promise<AskRequest> {
  const { k, nprobes, refineFactor, excludeSelf, maxDistance, maxEvalue, where, allowPartial } = args;
  const { concurrency = 8, timeout = 300 } = args;
  if (!Number.isSafeInteger(k) || k < 1 || k > MOST_NEIGHBOURS)
    throw new UsageError(IN_PLACE_MESSAGES.wrongK(k, MOST_NEIGHBOURS));
  if (nprobes !== undefined) requireWhole('nprobes', nprobes);
  if (refineFactor !== undefined) requireWhole('refine-factor', refineFactor, 0);
  requireWhole('concurrency', concurrency);
  if (!(timeout > 0 && timeout < 2 ** 31 / 1000)) throw new UsageError(IN_PLACE_MESSAGES.wrongTimeout(timeout));
  requireEvalue(maxEvalue);
  if (maxEvalue !== undefined && refineFactor === 0) throw new UsageError(IN_PLACE_MESSAGES.evalueOfCodes);
  if (maxDistance !== undefined && !Number.isFinite(maxDistance))
    throw new UsageError(IN_PLACE_MESSAGES.wrongMaxDistance);
  if (args.output !== undefined) await requireOutputsApart('input', args.input, { output: args.output });
  const buckets = args.buckets?.split(',').map((name) => checkBucketName(name.trim()));
  const columns = args.columns === undefined ? [] : parseColumns(args.columns);
  const output = checkOutput(args);
  if (output.format === 'fasta' && columns.length > 0) throw new UsageError(IN_PLACE_MESSAGES.fastaHasNoColumns);
  return {
    output,
    columns,
    settings: checkAskSettings({ k, nprobes, refineFactor, excludeSelf, maxDistance, maxEvalue, where }),
    options: { buckets, concurrency, timeoutMs: timeout * 1000, allowPartial },
    queries: await findSource(args),
  };
}

async function findSource(args: AskCommandOptions): Promise<QuerySource> {
  const named = { embedding: args.h5Embedding, id: args.h5Id };
  const source = await findQueries(args, named);
  if (source.kind !== 'vectors' && (named.embedding ?? named.id) !== undefined)
    throw new UsageError(IN_PLACE_MESSAGES.namesWithoutVectors);
  return source;
}

async function findQueries({ sequence, input, id }: AskCommandOptions, named: DatasetNames): Promise<QuerySource> {
  const given = Object.entries({ 'The sequence': sequence, '--input': input[0], '--id': id });
  const names = given.flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (names.length > 1) throw new UsageError(IN_PLACE_MESSAGES.twoSources(names));
  if (id !== undefined) return { kind: 'id', id };
  if (input.length > 0) return sourceOfFiles(input, named);
  if (sequence !== undefined && sequence !== '-') return { kind: 'text', text: sequence };
  if (sequence === undefined && process.stdin.isTTY) throw new UsageError(IN_PLACE_MESSAGES.noQueries);
  const text = await readText(STANDARD_INPUT);
  if (text.trim() === '') throw new UsageError(IN_PLACE_MESSAGES.noQueries);
  return { kind: 'text', text };
}

async function sourceOfFiles(paths: readonly string[], named: DatasetNames): Promise<QuerySource> {
  const kinds = await Promise.all(paths.map((path) => (path === STANDARD_INPUT ? undefined : findVectorKind(path))));
  if (kinds.every((kind) => kind !== undefined)) return { kind: 'vectors', paths, named };
  // Readers report files that are missing.
  if (kinds.some((kind) => kind !== undefined)) throw new UsageError(IN_PLACE_MESSAGES.mixedInputs);
  return { kind: 'files', paths };
}
