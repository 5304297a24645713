import { readFile, stat, writeFile } from 'node:fs/promises';
import {
  Field,
  FixedSizeList,
  Float32,
  Int64,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  tableFromIPC,
} from 'apache-arrow';
import { CRC64, hasChecksum } from '../base/bytes/checksum.ts';
import { DataError } from '../base/errors.ts';
import { counted } from '../base/text/counted.ts';
import type { Centroids } from '../vectors/kmeans.ts';
import { type CatalogEntry, type PartitionOrder, storedRows } from './catalog/catalog-entry.ts';
import { damagedPartitions } from './database-messages.ts';
import type { TableReader } from './table-reader.ts';

/** Version of the assignment of rows to partitions. Since version 3, a row's partition does not depend on other rows (ADR 30). */
export const ASSIGNER_VERSION = 4;
/** Version 1, which catalog entries do not name, could misplace rows if another row was much longer (ADR 17). */
export const FIRST_SOUND_ASSIGNER = 2;

/** The partitions of a table whose rows are sorted by partition. */
export interface Partitions {
  centroids: Centroids;
  /** First row of each partition, then the row count of the table: length = partitions + 1. */
  firstRows: Float64Array;
}

/** Writes the centroids and row ranges as an Arrow IPC file: `centroid`, `first_row`, `rows`. */
export async function writePartitions(path: string, centroids: Centroids, partitionRows: Float64Array): Promise<void> {
  const item = new Field('item', new Float32(), false);
  const schema = new Schema([
    new Field('centroid', new FixedSizeList(centroids.dimension, item), false),
    new Field('first_row', new Int64(), false),
    new Field('rows', new Int64(), false),
  ]);
  const length = centroids.count;
  const firstRows = new BigInt64Array(length);
  for (let i = 1; i < length; i++) firstRows[i] = firstRows[i - 1]! + BigInt(partitionRows[i - 1]!);
  const vectors = makeData({
    type: new Float32(),
    length: centroids.vectors.length,
    nullCount: 0,
    data: centroids.vectors,
  });
  const children = [
    makeData({ type: schema.fields[0]!.type as FixedSizeList<Float32>, length, nullCount: 0, child: vectors }),
    makeData({ type: new Int64(), length, nullCount: 0, data: firstRows }),
    makeData({ type: new Int64(), length, nullCount: 0, data: BigInt64Array.from(partitionRows, BigInt) }),
  ];
  const writer = new RecordBatchFileWriter();
  writer.write(new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount: 0, children })));
  writer.finish();
  await writeFile(path, writer.toUint8Array(true));
}

/** Describes a partition file for the catalog. @param path its path in the database */
export async function describePartitions(file: string, path: string, count: number): Promise<PartitionOrder> {
  const { size: bytes } = await stat(file);
  return { path, count, bytes, checksum: CRC64.format(CRC64.of(await readFile(file))), assigner: ASSIGNER_VERSION };
}

/** Returns whether a file of `_partitions/` belongs to a bucket, in this or an earlier build. */
export function isPartitionFile(name: string, bucket: string): boolean {
  return name.startsWith(`${bucket}-`) && /^[0-9a-f]{12}\.arrow$/.test(name.slice(bucket.length + 1));
}

/**
 * Reads a table's partitions.
 * @param table row counts and dimension that the partitions must have
 * @throws DataError if the file is missing, or differs from its description in the catalog
 */
export async function readPartitions(
  database: { uri: string; tables: Pick<TableReader, 'read'> },
  order: PartitionOrder,
  table: Pick<CatalogEntry, 'rows' | 'deletedRows' | 'dimension'>,
): Promise<Partitions> {
  const path = `${database.uri}/${order.path}`;
  const damaged = (problem: string) => new DataError(damagedPartitions(path, problem));
  const bytes = await database.tables.read(order.path);
  if (bytes.length !== order.bytes || !hasChecksum(bytes, order.checksum))
    throw damaged('it differs from the file that the catalog describes');
  const arrow = tableFromIPC(bytes);
  const list = arrow.getChild('centroid')?.data[0];
  const [first, counts] = ['first_row', 'rows'].map((name) => arrow.getChild(name)?.toArray());
  const { listSize: dimension } = (list?.type ?? {}) as Partial<FixedSizeList>;
  const vectors = list?.children[0]?.values;
  if (!(vectors instanceof Float32Array && first instanceof BigInt64Array && counts instanceof BigInt64Array))
    throw damaged('its columns must be "centroid", "first_row" and "rows"');
  if (dimension !== table.dimension)
    throw damaged(`centroids of ${dimension} components, but the vectors have ${table.dimension}`);
  if (counts.length !== order.count)
    throw damaged(`${counted(counts.length, 'partition')}, but the catalog says ${order.count}`);
  const firstRows = new Float64Array(counts.length + 1);
  for (const [i, count] of counts.entries()) {
    if (count < 0n || Number(first[i]) !== firstRows[i])
      throw damaged(
        `partition ${i} has ${counted(count, 'row')} from row ${first[i]}, but the previous one ends at ${firstRows[i]}`,
      );
    firstRows[i + 1] = firstRows[i]! + Number(count);
  }
  const stored = storedRows(table);
  if (firstRows.at(-1) !== stored)
    throw damaged(`its partitions have ${counted(firstRows.at(-1)!, 'row')}, but the table has ${stored}`);
  // Arrow pads buffers to multiples of eight bytes.
  return {
    centroids: { count: counts.length, dimension, vectors: vectors.subarray(0, counts.length * dimension) },
    firstRows,
  };
}
