import { columnText } from '../../base/bytes/utf8-column.ts';
import type { Column } from '../../base/columns/column-type.ts';
import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import { TransientError } from '../../base/errors.ts';
import type { Database } from '../../database/database.ts';
import { rebuiltBucket } from '../../database/database-messages.ts';
import { hitRows, type NeighbourColumns } from '../../hits/columns.ts';
import { createExtraBuilder } from '../../hits/extra-builder.ts';
import type { ExtraColumn } from '../../hits/extra-column.ts';
import { type TakenColumn, takeColumns } from '../../lance/take-columns.ts';
import type { FoundNeighbours } from './merge-answers.ts';
import type { ReadCounts } from './reads/counted-tables.ts';
import { openWarmBucket } from './warm-buckets.ts';

const BUCKETS_AT_ONCE = 8;

/** What to add, and from where. */
export interface ColumnSource {
  database: Database;
  /** Fingerprints of the tables that answered, by bucket. */
  fingerprints: ReadonlyMap<string, string>;
  columns: readonly Column[];
  /** Of a database on S3; estimates are added, because LanceDB makes the requests. */
  counts: ReadCounts;
}

/**
 * Adds kept columns of the found rows to neighbours, after their extra columns. Only these rows are read, batch by batch.
 * @param batches with row ids
 * @throws TransientError if a bucket was built again since it answered
 */
export async function* addColumns(
  batches: Iterable<FoundNeighbours>,
  source: ColumnSource,
): AsyncGenerator<NeighbourColumns, void, void> {
  for (const { rowIds, ...batch } of batches) {
    const names = Array.from({ length: hitRows(batch) }, (_, row) => columnText(batch.buckets, row));
    const wanted = Map.groupBy(names.keys(), (row) => names[row]!);
    const values = await mapConcurrently(wanted, BUCKETS_AT_ONCE, async ([name, rows]) => {
      const taken = await takeRows(
        source,
        name,
        Float64Array.from(rows, (row) => rowIds![row]!),
      );
      return rows.map((row, i) => [row, { columns: taken.columns, at: taken.places[i]! }] as const);
    });
    const valuesOf = new Map(values.flat());
    const added = source.columns.map(({ type }, column): ExtraColumn => {
      const builder = createExtraBuilder(type, names.length);
      for (const row of names.keys()) {
        const { columns, at } = valuesOf.get(row)!;
        builder.push(columns[column], at);
      }
      return builder.take();
    });
    yield { ...batch, extra: [...(batch.extra ?? []), ...added] };
  }
}

/**
 * Reads the columns of rows of a bucket.
 * @param rows LanceDB's row ids, in any order, with repetitions
 * @returns the columns in the order of the source's, undefined for one that the table lacks, and the place of each row in them
 */
async function takeRows({ database, fingerprints, columns, counts }: ColumnSource, name: string, rows: Float64Array) {
  using bucket = await openWarmBucket(database, name);
  if (bucket.entry.fingerprint !== fingerprints.get(name)) throw new TransientError(rebuiltBucket(database.uri, name));
  const own = columns.filter((column) => bucket.entry.columns?.some((kept) => kept.name === column.name));
  const unique = Float64Array.from(new Set(rows)).sort();
  const placeOf = new Map(Array.from(unique, (row, place) => [row, place]));
  const taken = own.length > 0 ? await bucket.use(() => takeColumns(bucket.table, unique, own)) : [];
  if (bucket.reads) {
    counts.requests += unique.length * own.length;
    counts.bytes += taken.reduce((sum, column) => sum + byteCount(column), 0);
  }
  return {
    columns: columns.map((column) => taken[own.indexOf(column)]),
    places: Array.from(rows, (row) => placeOf.get(row)!),
  };
}

function byteCount(column: TakenColumn): number {
  return 'values' in column ? column.values.byteLength : column.bytes.length;
}
