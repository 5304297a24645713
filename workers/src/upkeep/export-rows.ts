import { join } from 'node:path';
import type { Table } from '@lancedb/lancedb';
import type { Progress } from '../app/progress.ts';
import { columnLength, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { isNullCell, withNaN } from '../base/columns/cells.ts';
import { type Column, isColumnName } from '../base/columns/column-type.ts';
import { DataError } from '../base/errors.ts';
import type { PlanSource } from '../database/catalog/bucket-plan.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import { readRows, type TableRows, tableColumns } from '../lance/table-rows.ts';
import { describeShard } from '../shard/description-file.ts';
import { createShard, type ShardWriter } from '../shard/shard-writer.ts';
import { noRowsLeft, notATable, otherColumn, textWithNul } from './upkeep-messages.ts';

/**
 * A shard of rows that have the same columns without null. HDF5 has no null, but a shard may lack a column. NaN stands for the nulls of
 * float64.
 */
interface Part {
  path: string;
  shard: ShardWriter;
  /** Positions of its columns in the table's. */
  columns: number[];
}

/** Shards that are written at once: each is an open file, with buffers. With c columns there may be 2^c of them. */
const MOST_OPEN = 32;

/** Returns whether a source is a shard of `exportRows`, in a scratch folder: users may have files of such names elsewhere. */
export function isExported({ path }: Pick<PlanSource, 'path'>): boolean {
  return /\/\.rows\.[^/]+\.tmp\/rows-of-[^/]+\.h5$/.test(path);
}

/**
 * Writes the rows of a table that are not deleted, with all columns, into shards, from which they are ingested again. Memory does not grow
 * with the rows. Reads the table once more for every MOST_OPEN combinations of columns that are null.
 * @param table at the version to export
 * @throws DataError for a table of another client that has no vectors of the bucket's dimension, no ids, or a column of another type
 */
export async function exportRows(
  table: Table,
  entry: ExportedEntry,
  folder: string,
  progress: Pick<Progress, 'add'>,
  mostOpen: number = MOST_OPEN,
): Promise<PlanSource[]> {
  const { bucket, model } = entry;
  const columns = await tableColumns(table);
  const wrong = typeof columns === 'string' ? columns : columns.find(({ name }) => !isColumnName(name))?.name;
  if (wrong !== undefined || typeof columns === 'string') throw new DataError(otherColumn(bucket, wrong!));
  const written = new Map<string, Part>();
  for (let isComplete = false; !isComplete; ) {
    const parts = new Map<string, Part>();
    try {
      isComplete = await exportParts(table, entry, columns, { folder, written, parts, mostOpen, progress });
      for (const { shard } of parts.values()) shard.finish(model);
    } catch (error) {
      for (const { shard } of parts.values()) await shard.abandon();
      throw error;
    }
    for (const [pattern, part] of parts) written.set(pattern, part);
  }
  if (written.size === 0) throw new DataError(noRowsLeft(bucket));
  const sources: PlanSource[] = [];
  // The table's columns keep their order where a row has all of them.
  const byColumns = [...written.values()].sort((a, b) => b.columns.length - a.columns.length);
  for (const { path } of byColumns) sources.push(await describePart(path, sources.length));
  return sources;
}

/** What a table's rows are exported by. */
type ExportedEntry = Pick<CatalogEntry, 'bucket' | 'dimension' | 'vectorType' | 'model'>;

/** The shards of one pass over a table. */
interface Pass {
  folder: string;
  /** Finished before, by pattern. */
  written: ReadonlyMap<string, Part>;
  /** Open in this pass. */
  parts: Map<string, Part>;
  mostOpen: number;
  progress: Pick<Progress, 'add'>;
}

/** Writes the rows of the first `mostOpen` patterns that are not yet written. @returns whether these were all */
async function exportParts(
  table: Table,
  { bucket, dimension, vectorType }: ExportedEntry,
  columns: readonly Column[],
  { folder, written, parts, mostOpen, progress }: Pass,
): Promise<boolean> {
  const open = async (pattern: string): Promise<Part> => {
    const path = join(folder, `rows-of-${bucket}-${written.size + parts.size}.h5`);
    const present = [...columns.keys()].filter((column) => pattern[column] === '1');
    const kept = present.map((column) => columns[column]!);
    const part = { path, columns: present, shard: await createShard(path, dimension, vectorType, kept) };
    parts.set(pattern, part);
    return part;
  };
  let isComplete = true;
  for await (const rows of readRows(table, columns, dimension, vectorType)) {
    if (!rows) throw new DataError(notATable(bucket, dimension, vectorType));
    requireNoNul(bucket, columns, rows);
    for (const [pattern, chosen] of rowsByPattern(rows, columns)) {
      if (written.has(pattern)) continue;
      if (!parts.has(pattern) && parts.size === mostOpen) {
        isComplete = false;
        continue;
      }
      const { shard, columns: present } = parts.get(pattern) ?? (await open(pattern));
      const part = chosen.length === columnLength(rows.ids) ? rows : selectRows(rows, chosen, dimension);
      const cellsOf = (column: number) =>
        columns[column]!.type === 'float64' ? withNaN(part.kept[column]!) : part.kept[column]!;
      shard.append(part.vectors, part.ids, { kept: present.map(cellsOf) });
      progress.add(chosen.length);
    }
  }
  return isComplete;
}

async function describePart(path: string, shard: number): Promise<PlanSource> {
  const { rows, contentHash, vectorType, columns, columnBytes, rowHash } = await describeShard(path, () => {});
  return {
    ...{ shard, path, rows, start: 0, end: rows, contentHash, vectorType },
    ...(columns.length > 0 ? { columns: [...columns], columnBytes, rowHash } : {}),
  };
}

/** Groups rows by the columns in which they are not null, and those of float64: '1' for each, '0' for the others. */
function rowsByPattern({ ids, kept }: TableRows, columns: readonly Column[]): Map<string, number[]> {
  const patterns = new Map<string, number[]>();
  for (let row = 0; row < columnLength(ids); row++) {
    let pattern = '';
    for (const [i, cells] of kept.entries())
      pattern += columns[i]!.type !== 'float64' && isNullCell(cells, row) ? '0' : '1';
    const rows = patterns.get(pattern);
    if (rows) rows.push(row);
    else patterns.set(pattern, [row]);
  }
  return patterns;
}

function selectRows({ ids, vectors, kept }: TableRows, rows: readonly number[], dimension: number): TableRows {
  const chosen = new Float32Array(rows.length * dimension);
  for (const [i, row] of rows.entries())
    chosen.set(vectors.subarray(row * dimension, (row + 1) * dimension), i * dimension);
  return { ids: selectCells(ids, rows), vectors: chosen, kept: kept.map((cells) => selectCells(cells, rows)) };
}

function selectCells({ offsets, bytes }: Utf8Column, rows: readonly number[]): Utf8Column {
  const cells = rows.map((row) => bytes.subarray(offsets[row], offsets[row + 1]));
  const ends = new Int32Array(rows.length + 1);
  for (const [i, cell] of cells.entries()) ends[i + 1] = ends[i]! + cell.length;
  return { offsets: ends, bytes: new Uint8Array(Buffer.concat(cells)) };
}

/** HDF5 ends a text at its first NUL. */
function requireNoNul(bucket: string, columns: readonly Column[], { kept }: TableRows): void {
  for (const [i, { name, type }] of columns.entries())
    if (type === 'utf8' && kept[i]!.bytes.includes(0)) throw new DataError(textWithNul(bucket, name));
}
