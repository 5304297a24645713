import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeArrowTable } from '@lancedb/lancedb';
import { Field, Float64, Int64, Schema, Utf8 } from 'apache-arrow';
import type { Column } from '../../workers/src/base/columns/column-type.ts';
import { fingerprint } from '../../workers/src/database/catalog/catalog-entry.ts';
import { manifestNames } from '../../workers/src/database/catalog/catalog-rules.ts';
import { Database } from '../../workers/src/database/database.ts';
import { describeFiles } from '../../workers/src/lance/describe-files.ts';
import { connect } from '../../workers/src/lance/lancedb.ts';
import { tableSchema } from '../../workers/src/lance/table-schema.ts';

const TYPES = { utf8: new Utf8(), int64: new Int64(), float64: new Float64() };

/**
 * Writes a bucket of a database in a folder again, by LanceDB, with further columns, and enters them in its catalog.
 * @param columns with the value of a row
 */
export async function addColumns(
  folder: string,
  bucket: string,
  columns: ReadonlyArray<Column & { of: (id: string) => string | bigint | number | null }>,
): Promise<void> {
  const database = await Database.open(folder);
  const { fragments: _, partitions: __, ...entry } = await database.requireEntry(bucket);
  const old = await database.tables.open(bucket);
  const rows = (await old.query().toArray()) as Array<{ id: string; embedding: Iterable<number> }>;
  old.close();
  const place = join(folder, `${bucket}.lance`);
  await rm(place, { recursive: true });
  const { fields } = tableSchema(entry.dimension, entry.vectorType);
  const schema = new Schema([...fields, ...columns.map(({ name, type }) => new Field(name, TYPES[type], true))]);
  const records = rows.map(({ id, embedding }) => ({
    id,
    embedding: [...embedding],
    ...Object.fromEntries(columns.map(({ name, of }) => [name, of(id)])),
  }));
  const table = await (await connect(folder)).createTable(bucket, makeArrowTable(records, { schema }));
  const tableVersion = await table.version();
  table.close();
  const manifest = manifestNames(tableVersion)[0]!;
  const paths = (await readdir(place, { recursive: true })).filter(
    (path) => /^data\/.*\./.test(path) || path === manifest,
  );
  const files = await describeFiles(place, paths, [], 1);
  const changed = { ...entry, tableVersion, files, columns: columns.map(({ name, type }) => ({ name, type })) };
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  await database.writeEntry({ ...changed, bytes, fingerprint: fingerprint(changed) });
}
