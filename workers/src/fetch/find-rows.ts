import type { Table } from '@lancedb/lancedb';
import type { Progress } from '../app/progress.ts';
import { KEY_BYTES } from '../base/bytes/key-index.ts';
import { murmur3 } from '../base/bytes/murmur3.ts';
import { readIds } from '../lance/read-table.ts';
import type { TargetGroup } from './target-lists.ts';

export const NOT_FOUND = -1;
/** Further rows of targets that are remembered, to compare their values. */
const MOST_FURTHER = 2 ** 20;

/** A row that has the id of a target. */
interface FurtherRow {
  target: number;
  row: number;
}

/** The rows of the targets of a group. */
export interface FoundRows {
  /** LanceDB's row id of the first row of each target, by its number; NOT_FOUND where the bucket has none. */
  rows: Float64Array;
  /** The other rows of targets with several, the first of them. */
  further: FurtherRow[];
}

/** Finds the rows of targets by streaming all ids of a table. @param progress counts ids */
export async function findRows(
  table: Table,
  { numbers }: TargetGroup,
  progress: Progress,
  mostFurther = MOST_FURTHER,
): Promise<FoundRows> {
  const rows = new Float64Array(numbers.size).fill(NOT_FOUND);
  const further: FurtherRow[] = [];
  const key = new Uint32Array(KEY_BYTES / 4);
  for await (const { ids, rowIds } of readIds(table)) {
    for (let i = 0; i < rowIds.length; i++) {
      murmur3(ids.bytes, ids.offsets[i]!, ids.offsets[i + 1]!, key, 0);
      const target = numbers.get(key, 0);
      if (target === undefined) continue;
      const row = rowIds[i]!;
      const known = rows[target]!;
      if (known !== NOT_FOUND && further.length < mostFurther) further.push({ target, row: Math.max(row, known) });
      if (known === NOT_FOUND || row < known) rows[target] = row;
    }
    progress.add(rowIds.length);
  }
  return { rows, further };
}
