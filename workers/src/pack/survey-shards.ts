import { open } from 'node:fs/promises';
import type { CommandContext } from '../app/command.ts';
import { columnBytes, columnLength } from '../base/bytes/utf8-column.ts';
import { DataError, systemErrorCode } from '../base/errors.ts';
import { ifMissing } from '../base/if-missing.ts';
import { showId } from '../base/text/shown.ts';
import type { CatalogEntry, IngestRecord } from '../database/catalog/catalog-entry.ts';
import type { Database } from '../database/database.ts';
import { openVersion } from '../database/table-state.ts';
import { type DuplicateIds, withDuplicateIds } from '../ids/duplicate-ids.ts';
import type { Duplicate, Place } from '../ids/id-table.ts';
import { idsOf } from '../lance/table-ids.ts';
import { type DescribedShard, describeShard, type IdBlock, readShardDescription } from '../shard/description-file.ts';
import { modelIdentity, type ShardHeader } from '../shard/shard.ts';
import { openShard } from '../shard/shard-reader.ts';
import { type RowRange, rangesNotHeld } from './packing.ts';

/** What is to be packed, and what of it the database holds. */
export interface Survey {
  shards: DescribedShard[];
  dimension: number;
  /** The model of all shards, where they name one. */
  model: string | undefined;
  /** Of each shard, the rows that the database does not hold. */
  missing: RowRange[][];
  entries: CatalogEntry[];
  /** The plans of all builds, read before the entries. */
  pending: IngestRecord[];
}

/**
 * Learns of every input its content hash, and looks for ids that occur twice: from its description where the input is one,
 * otherwise by reading the shard once.
 * @param output the plan's name; scratch files for ids, where memory is too small for them, lie beside it
 * @param checkIds whether to look for the ids in the database too
 * @throws DataError for a file that is not a shard or has no rows, and for an id that is there twice
 */
export async function surveyShards(
  inputs: readonly string[],
  output: string,
  database: Database | undefined,
  checkIds: boolean,
  { progress }: Pick<CommandContext, 'progress'>,
): Promise<Survey> {
  let missing: RowRange[][] = [];
  let entries: CatalogEntry[] = [];
  // Of a shard that is in the database already, the ids are there too; ids that it holds twice are not this build's.
  const matters = ({ first, second }: Duplicate) =>
    second.source < inputs.length ||
    (first.source < inputs.length && missing[first.source]!.some(({ start, end }) => isBetween(first.row, start, end)));
  return withDuplicateIds(
    output,
    async (seen) => {
      const shards = await describeInputs(inputs, seen, progress);
      // Read after the shards, which can take hours, and the plans of other builds before the entries that they become:
      // so a bucket that is finished meanwhile is in one of them.
      const pending = (await database?.pending()) ?? [];
      entries = (await database?.entries()) ?? [];
      const kind = requireOneKind(shards, entries);
      missing = rowsMissing(shards, entries);
      const inDatabase =
        database && checkIds ? await addTableIds(database, entries, inputs.length, seen, progress) : undefined;
      const duplicate = inDatabase ?? (await seen.finish());
      if (duplicate) throw await duplicateError(inputs, database, entries, duplicate);
      return { shards, ...kind, missing, entries, pending };
    },
    { matters },
  );
}

function isBetween(row: number, start: number, end: number): boolean {
  return row >= start && row < end;
}

async function describeInputs(
  inputs: readonly string[],
  seen: DuplicateIds,
  progress: CommandContext['progress'],
): Promise<DescribedShard[]> {
  const bar = progress('reading shards', inputs.length, 'shards');
  try {
    const shards: DescribedShard[] = [];
    for (const [source, path] of inputs.entries()) {
      const shard = await readInput(path, async ({ start, ids }) => {
        const duplicate = seen.add(ids, source, start);
        if (duplicate) throw await duplicateError(inputs, undefined, [], duplicate);
      });
      shards.push(shard);
      bar.add(1);
    }
    return shards;
  } finally {
    bar.stop();
  }
}

/** A shard, or its description, which begins with a brace. */
async function readInput(path: string, onIds: (block: IdBlock) => Promise<void>): Promise<DescribedShard> {
  return (await isDescription(path)) ? readShardDescription(path, onIds) : describeShard(path, onIds);
}

async function isDescription(path: string): Promise<boolean> {
  // What is missing, and a folder, which can be opened but not read, is told by who opens it as a shard.
  const file = await open(path, 'r').catch(ifMissing(undefined));
  try {
    const first = Buffer.alloc(1);
    await file?.read(first, 0, 1, 0).catch((error: unknown) => {
      if (systemErrorCode(error) !== 'EISDIR') throw error;
    });
    return first.toString() === '{';
  } finally {
    await file?.close();
  }
}

/** Adds the ids of all tables, as inputs that follow those of the plan. */
async function addTableIds(
  database: Database,
  entries: readonly CatalogEntry[],
  firstSource: number,
  seen: DuplicateIds,
  progress: CommandContext['progress'],
): Promise<Duplicate | undefined> {
  const rows = entries.reduce((sum, entry) => sum + entry.rows, 0);
  const bar = progress('reading ids of the database', rows, 'ids');
  try {
    for (const [i, entry] of entries.entries())
      for await (const { start, ids } of idsOf(await openVersion(database, entry))) {
        const duplicate = seen.add(ids, firstSource + i, start);
        if (duplicate) return duplicate;
        bar.add(columnLength(ids));
      }
    return undefined;
  } finally {
    bar.stop();
  }
}

async function duplicateError(
  inputs: readonly string[],
  database: Database | undefined,
  entries: readonly CatalogEntry[],
  { first, second }: Duplicate,
): Promise<DataError> {
  const here = await locate(inputs, first);
  const table = entries[second.source - inputs.length];
  if (database && table)
    return new DataError(
      `${here.name}: row ${first.row}: the id ${here.id} is also that of row ${second.row} of ${table.bucket} in ` +
        `${database.uri}. Every id must occur once: rename it, remove it, or build without --check-ids.`,
    );
  const there = await locate(inputs, second);
  return new DataError(
    `${there.name}: row ${second.row}: the id ${there.id} is also that of row ${first.row} of ${here.name}. ` +
      'Every id must occur once: rename one, or remove it.',
  );
}

/** What an input is called, and the id of one of its rows: only hashes of ids were kept. */
async function locate(inputs: readonly string[], { source, row }: Place): Promise<{ name: string; id: string }> {
  const path = inputs[source]!;
  let id = new Uint8Array();
  if (await isDescription(path)) {
    const { path: name } = await readShardDescription(path, ({ start, ids }) => {
      if (isBetween(row, start, start + columnLength(ids))) id = columnBytes(ids, row - start).slice();
    });
    return { name, id: showId(id) };
  }
  const shard = await openShard(path);
  try {
    return { name: path, id: showId((await shard.readIds(row, 1)).bytes) };
  } finally {
    shard.close();
  }
}

/** The rows of each shard that no entry has, by content. */
function rowsMissing(shards: readonly DescribedShard[], entries: readonly CatalogEntry[]): RowRange[][] {
  const held = Map.groupBy(
    entries.flatMap(({ sources }) => sources),
    ({ contentHash }) => contentHash,
  );
  return shards.map(({ contentHash, rows }, shard) => rangesNotHeld(shard, rows, held.get(contentHash) ?? []));
}

/**
 * All shards of a database have one dimension and one model.
 * @param shards at least one
 * @throws DataError naming the shard that differs and from what
 */
function requireOneKind(
  shards: readonly ShardHeader[],
  entries: readonly CatalogEntry[],
): { dimension: number; model: string | undefined } {
  const [first] = shards;
  if (!first) throw new DataError('No shards to pack.');
  const base = entries[0]
    ? {
        name: `the database (${entries[0].bucket})`,
        dimension: entries[0].dimension,
        model: modelIdentity(entries[0].model),
      }
    : { name: first.path, dimension: first.dimension, model: modelIdentity(first.attributes) };
  let { model } = base;
  for (const shard of shards) {
    if (shard.dimension !== base.dimension)
      throw new DataError(
        `${shard.path}: vectors of ${shard.dimension} components, but ${base.name} has ${base.dimension}. One database holds one kind of vectors.`,
      );
    const own = modelIdentity(shard.attributes);
    if (own !== undefined && model !== undefined && own !== model)
      throw new DataError(
        `${shard.path}: made by model ${own}, but ${base.name} by ${model}. Vectors of two models cannot be compared; use one database a model.`,
      );
    model ??= own;
  }
  return { dimension: base.dimension, model };
}
