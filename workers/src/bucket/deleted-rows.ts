import { hasChecksum } from '../base/bytes/checksum.ts';
import { DataError } from '../base/errors.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import type { TableReader } from '../database/table-reader.ts';
import { decodeBitmap } from '../lance/format/roaring.ts';
import { readManifest } from '../lance/format/table-manifest.ts';
import { damagedTable } from './bucket-messages.ts';
import type { RowSpan } from './fragment-blocks.ts';
import { allocateRowBits, countBefore, countWords, positionOf, type RowBits } from './row-bits.ts';

/** A set of the rows that a search skips, although the data files hold them: deleted rows, and those that a filter does not select. */
export class DeletedRows {
  readonly bits: RowBits;

  constructor(bits: RowBits) {
    this.bits = bits;
  }

  /** Makes a set. @param fragments of the table, in table order @param positions deleted rows of each fragment */
  static of(fragments: ReadonlyArray<{ rows: number }>, positions: ReadonlyMap<number, Uint32Array>): DeletedRows {
    const bits = allocateRowBits(fragments);
    const { fragmentStarts, words } = bits;
    for (const [fragment, rows] of positions)
      for (const row of rows) {
        const at = fragmentStarts[fragment]! + row;
        words[Math.floor(at / 32)]! |= 1 << (at % 32);
      }
    countWords(bits);
    return new DeletedRows(bits);
  }

  /**
   * Makes a set of all rows but some.
   * @param fragments of the table, in table order @param batches row ids of LanceDB, each once
   * @returns the set, and the number of rows that are not in it
   */
  static async allBut(
    fragments: ReadonlyArray<{ rows: number }>,
    batches: AsyncIterable<Float64Array>,
  ): Promise<{ skipped: DeletedRows; rows: number }> {
    const bits = allocateRowBits(fragments);
    const { fragmentStarts, words } = bits;
    const end = fragmentStarts[fragments.length]!;
    words.fill(-1);
    let rows = 0;
    for await (const batch of batches)
      for (const rowId of batch) {
        const at = positionOf(bits, rowId);
        if (!(at < end)) throw new RangeError(`row ${rowId} is in no fragment`);
        words[Math.floor(at / 32)]! &= ~(1 << (at % 32));
        rows++;
      }
    countWords(bits);
    return { skipped: new DeletedRows(bits), rows };
  }

  /** Returns whether a row is deleted. @param rowId of LanceDB: fragment * 2^32 + position */
  has(rowId: number): boolean {
    const at = positionOf(this.bits, rowId);
    return ((this.bits.words[Math.floor(at / 32)]! >>> (at % 32)) & 1) === 1;
  }

  /** Counts the deleted rows before a position in the table. */
  countBefore(position: number): number {
    return countBefore(this.bits, position);
  }

  /**
   * Divides spans of rows into shorter ones that hold all rows that are not in the set, without long stretches of rows that are.
   * @param spans ascending @param longest stretch of rows in the set that stays in a span
   */
  *withoutStretches<S extends RowSpan>(spans: Iterable<S>, longest: number): Generator<S> {
    const { words } = this.bits;
    for (const span of spans) {
      let [first, end] = [-1, -1];
      for (let word = Math.floor(span.first / 32); word * 32 < span.end; word++) {
        if (words[word] === -1) continue;
        const begin = Math.max(span.first, word * 32);
        if (first >= 0 && begin - end > longest) {
          yield { ...span, first, end };
          first = -1;
        }
        if (first < 0) first = begin;
        end = Math.min(span.end, word * 32 + 32);
      }
      if (first >= 0) yield { ...span, first, end };
    }
  }

  /** Returns where spans of rows would begin without the deleted ones. @param firstRows ascending positions in the table */
  withoutDeleted(firstRows: Float64Array): Float64Array {
    return firstRows.map((first) => first - this.countBefore(first));
  }
}

/** The places of a table whose deleted rows are read. */
interface DeletingTable {
  uri: string;
  tables: Pick<TableReader, 'read'>;
}

/**
 * Reads the deleted rows of a bucket's table.
 * @returns undefined if it has none
 * @throws DataError if a file of deleted rows is damaged
 */
export async function readDeletedRows(
  database: DeletingTable,
  entry: Pick<CatalogEntry, 'bucket' | 'fragments' | 'files' | 'deletedRows'>,
): Promise<DeletedRows | undefined> {
  if (!entry.deletedRows || !entry.fragments) return undefined;
  return DeletedRows.of(entry.fragments, await readDeletions(database, entry));
}

/** Reads the positions of deleted rows, by fragment. @throws DataError as `readDeletedRows` */
export async function readDeletions(
  { uri, tables }: DeletingTable,
  { bucket, files }: Pick<CatalogEntry, 'bucket' | 'files'>,
): Promise<Map<number, Uint32Array>> {
  const manifest = files.find(({ path }) => path.startsWith('_versions/'))!;
  const { fragments } = readManifest(await tables.read(`${bucket}.lance/${manifest.path}`));
  const positions = new Map<number, Uint32Array>();
  for (const { id, deletions } of fragments) {
    if (!deletions) continue;
    const bytes = await tables.read(`${bucket}.lance/${deletions.path}`);
    const known = files.find(({ path }) => path === deletions.path);
    const problem = `${deletions.path} is not the file of deleted rows that the catalog describes`;
    if (!known || !hasChecksum(bytes, known.checksum)) throw new DataError(damagedTable(uri, bucket, problem));
    positions.set(id, decodeBitmap(bytes));
  }
  return positions;
}
