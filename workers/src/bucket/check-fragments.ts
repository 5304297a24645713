import { algorithmOf } from '../base/bytes/checksum.ts';
import { mapConcurrently } from '../base/concurrency/map-concurrently.ts';
import type { CatalogEntry, FragmentFile } from '../database/catalog/catalog-entry.ts';
import type { RangeFile, TableReader } from '../database/table-reader.ts';
import { COMPONENT_BYTES } from '../vectors/vector-type.ts';
import { wrongOffset } from './bucket-messages.ts';

const FILES_AT_ONCE = 8;
const BLOCK_BYTES = 2 ** 20;
/** Maximum number of fragments that are checked when a bucket is opened: one per distinct offset. */
const MAX_SAMPLED = 16;

/**
 * Checks the offsets at which the catalog expects the vectors of fragments: the rest of each file must match its checksum. Skips
 * fragments without a checksum.
 * @returns one problem for each wrong fragment
 */
export async function checkFragments(
  tables: Pick<TableReader, 'openFile'>,
  entry: CatalogEntry,
  fragments: readonly FragmentFile[] = entry.fragments ?? [],
): Promise<string[]> {
  const { bucket, dimension, vectorType } = entry;
  const sizes = new Map(entry.files.map(({ path, bytes }) => [path, bytes]));
  const problems = await mapConcurrently(fragments, FILES_AT_ONCE, async ({ path, rows, offset, checksum }) => {
    if (checksum === undefined) return [];
    const file = await tables.openFile(`${bucket}.lance/${path}`);
    try {
      const end = offset + rows * dimension * COMPONENT_BYTES[vectorType];
      const found = await checksumAround(file, sizes.get(path)!, offset, end, algorithmOf(checksum));
      if (found === checksum) return [];
      return [wrongOffset(path, offset)];
    } finally {
      await file.close();
    }
  });
  return problems.flat();
}

/** Selects the fragments to check instead of all: the first with each offset. */
export function sampleFragments({ fragments = [] }: Pick<CatalogEntry, 'fragments'>): FragmentFile[] {
  const byOffset = new Map<number, FragmentFile>();
  for (const fragment of fragments) if (!byOffset.has(fragment.offset)) byOffset.set(fragment.offset, fragment);
  return [...byOffset.values()].slice(0, MAX_SAMPLED);
}

/** Computes the checksum of a file without the bytes from `start` to `end`. */
export async function checksumAround(
  file: Pick<RangeFile, 'read'>,
  fileBytes: number,
  start: number,
  end: number,
  algorithm: ReturnType<typeof algorithmOf>,
): Promise<string> {
  let sum = 0n;
  const add = async (from: number, to: number) => {
    for (let at = from; at < to; at += BLOCK_BYTES) {
      const block = new Uint8Array(Math.min(BLOCK_BYTES, to - at));
      await file.read(block, at);
      sum = algorithm.of(block, sum);
    }
  };
  await add(0, start);
  await add(end, fileBytes);
  return algorithm.format(sum);
}
