import { open } from 'node:fs/promises';
import { requireWhole } from '../../app/option-checks.ts';
import { UsageError } from '../../base/errors.ts';
import { findStats } from '../../base/missing-files.ts';
import { readText } from '../../base/text/read-text.ts';
import { checkBucketName } from '../../database/catalog/bucket-name.ts';
import { STANDARD_INPUT } from '../../fasta/standard-input.ts';
import { requireOutputsApart } from '../outputs-apart.ts';
import type { AskOptions } from './ask-database.ts';
import { type AskSettings, checkAskSettings, MOST_NEIGHBOURS } from './ask-settings.ts';
import { IN_PLACE_MESSAGES } from './in-place-messages.ts';
import { type AnswerOutput, checkOutput, type Format } from './output/answer-format.ts';

/** The options of `ask`, as given on the command line. */
export interface AskCommandOptions {
  sequence?: string | undefined;
  input: readonly string[];
  id?: string | undefined;
  k: number;
  nprobes?: number | undefined;
  refineFactor?: number | undefined;
  excludeSelf: boolean;
  maxDistance?: number | undefined;
  buckets?: string | undefined;
  concurrency?: number | undefined;
  timeout?: number | undefined;
  allowPartial: boolean;
  format?: Format | undefined;
  output?: string | undefined;
  csvSafe: boolean;
  json: boolean;
}

/** Where queries come from. */
export type QuerySource =
  | { kind: 'text'; text: string }
  | { kind: 'files'; paths: readonly string[] }
  | { kind: 'shards'; paths: readonly string[] }
  | { kind: 'id'; id: string };

/** A checked command line. */
export interface AskRequest {
  queries: QuerySource;
  settings: AskSettings;
  options: AskOptions;
  output: AnswerOutput;
}

/** Checks a command line, and finds out what the inputs are. @throws UsageError naming the option that is wrong */
export async function checkAskOptions(args: AskCommandOptions): Promise<AskRequest> {
  const { k, nprobes, refineFactor, excludeSelf, maxDistance, allowPartial } = args;
  const { concurrency = 8, timeout = 300 } = args;
  if (!Number.isSafeInteger(k) || k < 1 || k > MOST_NEIGHBOURS)
    throw new UsageError(IN_PLACE_MESSAGES.wrongK(k, MOST_NEIGHBOURS));
  if (nprobes !== undefined) requireWhole('nprobes', nprobes);
  if (refineFactor !== undefined) requireWhole('refine-factor', refineFactor, 0);
  requireWhole('concurrency', concurrency);
  if (!(timeout > 0 && timeout < 2 ** 31 / 1000)) throw new UsageError(IN_PLACE_MESSAGES.wrongTimeout(timeout));
  if (maxDistance !== undefined && !Number.isFinite(maxDistance))
    throw new UsageError(IN_PLACE_MESSAGES.wrongMaxDistance);
  if (args.output !== undefined) await requireOutputsApart('input', args.input, { output: args.output });
  const buckets = args.buckets?.split(',').map((name) => checkBucketName(name.trim()));
  return {
    output: checkOutput(args),
    settings: checkAskSettings({ k, nprobes, refineFactor, excludeSelf, maxDistance }),
    options: { buckets, concurrency, timeoutMs: timeout * 1000, allowPartial },
    queries: await findSource(args),
  };
}

async function findSource({ sequence, input, id }: AskCommandOptions): Promise<QuerySource> {
  const named = Object.entries({ 'The sequence': sequence, '--input': input[0], '--id': id });
  const names = named.flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (names.length > 1) throw new UsageError(IN_PLACE_MESSAGES.twoSources(names));
  if (id !== undefined) return { kind: 'id', id };
  if (input.length > 0) return sourceOfFiles(input);
  if (sequence !== undefined && sequence !== '-') return { kind: 'text', text: sequence };
  if (sequence === undefined && process.stdin.isTTY) throw new UsageError(IN_PLACE_MESSAGES.noQueries);
  const text = await readText(STANDARD_INPUT);
  if (text.trim() === '') throw new UsageError(IN_PLACE_MESSAGES.noQueries);
  return { kind: 'text', text };
}

async function sourceOfFiles(paths: readonly string[]): Promise<QuerySource> {
  const shards = await Promise.all(paths.map(isShard));
  if (shards.every(Boolean)) return { kind: 'shards', paths };
  if (shards.some(Boolean)) throw new UsageError(IN_PLACE_MESSAGES.mixedInputs);
  return { kind: 'files', paths };
}

const HDF5_SIGNATURE = Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]);

async function isShard(path: string): Promise<boolean> {
  // Readers report files that are missing; a pipe can be read only once.
  if (path === STANDARD_INPUT || !(await findStats(path))?.isFile()) return false;
  await using file = await open(path, 'r');
  const start = Buffer.alloc(HDF5_SIGNATURE.length);
  await file.read(start, 0, start.length, 0);
  return start.equals(HDF5_SIGNATURE);
}
