import type { CommandContext } from '../app/command.ts';
import { columnLength } from '../base/bytes/utf8-column.ts';
import type { DataError } from '../base/errors.ts';
import { rowHashOf } from '../database/catalog/bucket-plan.ts';
import type { IngestRecord } from '../database/catalog/catalog-entry.ts';
import type { Database } from '../database/database.ts';
import { openVersion } from '../database/table-state.ts';
import { type DuplicateIds, withDuplicateIds } from '../ids/duplicate-ids.ts';
import type { Duplicate } from '../ids/id-table.ts';
import { idsOf } from '../lance/ids/table-ids.ts';
import type { Keep } from '../shard/columns/keep.ts';
import type { DescribedShard } from '../shard/description-file.ts';
import { modelIdentity, type ShardHeader } from '../shard/shard.ts';
import { type KnownBucket, knownBucket } from './known-bucket.ts';
import { describeInputs, findId, type PackInput } from './pack-inputs.ts';
import { duplicatedId, idInDatabase, noSequences, noShards, otherDimension, otherModel } from './pack-messages.ts';
import { type RowRange, rangesNotHeld } from './packing.ts';
import { requireColumns, requireNamedColumns } from './require-columns.ts';

/** The shards of a build, and the rows that the database lacks. */
export interface Survey {
  shards: DescribedShard[];
  dimension: number;
  /** The model of all shards, if they name one. */
  model: string | undefined;
  /** Rows of each shard that the database does not have. */
  missing: RowRange[][];
  entries: KnownBucket[];
  /** The plans of all builds, read before the entries. */
  pending: IngestRecord[];
}

export interface SurveyOptions {
  /** Whether to include the ids of the database. */
  checkIds: boolean;
  /** Columns of the shards that have no description. */
  keep: Keep;
}

/**
 * Reads the content hash of every input, and searches the ids for duplicates. Reads a description if the input is one, otherwise the shard,
 * once.
 * @param output the plan's path; scratch files for ids that do not fit into memory are written beside it
 * @throws DataError for a file that is not a shard or has no rows, for a shard that does not fit, and for a duplicated id
 */
export async function surveyShards(
  inputs: readonly PackInput[],
  output: string,
  database: Database | undefined,
  { checkIds, keep }: SurveyOptions,
  { progress }: Pick<CommandContext, 'progress'>,
): Promise<Survey> {
  let missing: RowRange[][] = [];
  const isPacked = ({ source, row }: Duplicate['first']) =>
    missing[source]!.some(({ start, end }) => row >= start && row < end);
  // Ids of rows that the database already has also occur in a table. Duplicates within tables do not concern this build.
  const matters = ({ first, second }: Duplicate) =>
    second.source < inputs.length || (first.source < inputs.length && isPacked(first));

  await requireNamedColumns(inputs, keep);
  const survey = async (seen: DuplicateIds): Promise<Survey> => {
    const shards = await describeInputs(inputs, seen, progress, keep);
    if (shards.length > 0 && shards.every(({ rows }) => rows === 0)) throw noSequences(shards.map(({ path }) => path));
    // Read after the shards, which can take hours, and plans of other builds before entries: a bucket that is finished meanwhile is in one
    // of the two.
    const pending = (await database?.pending()) ?? [];
    const entries = (await database?.mapEntries(knownBucket)) ?? [];
    const kind = requireOneKind(shards, entries);
    requireColumns(inputs, shards, entries, keep);
    missing = rowsMissing(shards, entries);
    const inTables =
      database && checkIds ? await addTableIds(database, entries, inputs.length, seen, progress) : undefined;
    const duplicate = inTables ?? (await seen.finish());
    if (duplicate) throw await duplicateError(inputs, database, entries, duplicate);
    return { shards, ...kind, missing, entries, pending };
  };
  return withDuplicateIds(output, survey, { matters });
}

/** Adds the ids of all tables, as inputs after those of the plan. */
async function addTableIds(
  database: Database,
  entries: readonly KnownBucket[],
  firstSource: number,
  seen: DuplicateIds,
  progress: CommandContext['progress'],
): Promise<Duplicate | undefined> {
  const rows = entries.reduce((sum, entry) => sum + entry.rows, 0);
  const bar = progress('reading ids of the database', rows, 'ids');
  try {
    for (const [i, known] of entries.entries()) {
      const entry = await database.requireEntry(known.bucket);
      for await (const { start, ids } of idsOf(await openVersion(database, entry))) {
        const duplicate = seen.add(ids, firstSource + i, start);
        if (duplicate) return duplicate;
        bar.add(columnLength(ids));
      }
    }
    return undefined;
  } finally {
    bar.stop();
  }
}

async function duplicateError(
  inputs: readonly PackInput[],
  database: Database | undefined,
  entries: readonly KnownBucket[],
  { first, second }: Duplicate,
): Promise<DataError> {
  const here = await findId(inputs, first);
  const table = entries[second.source - inputs.length];
  if (database && table)
    return idInDatabase(here.id, here, { name: `${table.bucket} in ${database.uri}`, row: second.row });
  const other = await findId(inputs, second);
  return duplicatedId(other.id, other, here);
}

/** Returns the rows of each shard whose vectors and ids no entry has. */
function rowsMissing(shards: readonly DescribedShard[], entries: readonly KnownBucket[]): RowRange[][] {
  const held = Map.groupBy(
    entries.flatMap(({ sources }) => sources),
    rowHashOf,
  );
  return shards.map(({ rowHash, rows }, shard) => rangesNotHeld(shard, rows, held.get(rowHash) ?? []));
}

/**
 * Checks that all shards have the same dimension and model: those of the database, or of the first shard.
 * @param shards at least one
 * @throws DataError that names the differing shard, and the one it is compared with
 */
function requireOneKind(
  shards: readonly ShardHeader[],
  entries: readonly KnownBucket[],
): { dimension: number; model: string | undefined } {
  const [first] = shards;
  if (!first) throw noShards();
  const base = entries[0]
    ? { ...kindOf(entries[0].dimension, entries[0].model), name: `the database (${entries[0].bucket})` }
    : { ...kindOf(first.dimension, first.attributes), name: first.path };
  let { model } = base;
  for (const { path, dimension, attributes } of shards) {
    if (dimension !== base.dimension) throw otherDimension(path, dimension, base);
    const own = modelIdentity(attributes);
    if (own !== undefined && model !== undefined && own !== model)
      throw otherModel(path, own, { name: base.name, model });
    model ??= own;
  }
  return { dimension: base.dimension, model };
}

const kindOf = (dimension: number, attributes: ShardHeader['attributes']) => ({
  dimension,
  model: modelIdentity(attributes),
});
