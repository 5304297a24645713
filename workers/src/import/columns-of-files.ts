import type { Column } from '../base/columns/column-type.ts';
import type { Keep } from '../shard/columns/keep.ts';
import type { DatasetNames } from '../shard/layouts/find-layout.ts';
import { findVectorKind } from '../shard/layouts/vector-kind.ts';
import { openVectors } from './open-vectors.ts';

/**
 * Lists the columns of files of vectors that --keep can name. Reads their headers, and of Parquet the first row.
 * @param until names: no file is read after all of them were found
 * @throws DataError for a file that cannot be read, and a named column of another type
 */
export async function listColumns(
  inputs: readonly string[],
  named: DatasetNames,
  until: readonly string[] | undefined,
): Promise<Column[]> {
  const found = new Map<string, Column>();
  for (const input of inputs) {
    for (const column of await columnsOf(input, named, until))
      if (!found.has(column.name)) found.set(column.name, column);
    if (until?.every((name) => found.has(name))) break;
  }
  return [...found.values()];
}

async function columnsOf(input: string, named: DatasetNames, until: readonly string[] | undefined) {
  if ((await findVectorKind(input)) === 'npy') return [];
  const read = async (keep: Keep) => {
    await using source = await openVectors({ input, named, keep });
    return source.columns ?? [];
  };
  // Named columns are checked, the others are passed over.
  const asked = until === undefined ? [] : await read(until);
  return until && asked.length === until.length ? asked : read('possible');
}
