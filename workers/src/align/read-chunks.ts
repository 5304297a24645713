import { KEY_BYTES, KeyIndex } from '../base/bytes/key-index.ts';
import { murmur3 } from '../base/bytes/murmur3.ts';
import { DataError } from '../base/errors.ts';
import { quoteId } from '../base/text/quote.ts';
import { createNeighbourBuilder, type NeighbourBuilder } from '../hits/builder.ts';
import {
  compareText,
  copyText,
  hitRows,
  hitsOf,
  type NeighbourColumns,
  sameText,
  type Texts,
  textBytes,
} from '../hits/columns.ts';
import type { ExtraField } from '../hits/extra-column.ts';
import { ALL_ROWS, type RowRange } from '../hits/parquet/column-reader.ts';
import { readNeighbours } from '../hits/parquet/neighbours-reader.ts';
import type { QueryRange } from '../hits/query-range.ts';
import { ALIGN_MESSAGES } from './align-messages.ts';

/** Rows and bytes of text after which a chunk ends with its query. */
const CHUNK_ROWS = 2048;
const CHUNK_BYTES = 1024 * 1024;

/** Neighbours of whole queries. */
export interface QueryRows {
  neighbours: NeighbourColumns;
  /** Ids of the queries, in the order of the rows. */
  queryIds: Uint8Array[];
}

/**
 * Reads neighbours in chunks of whole queries.
 * @param range rows of whole queries (see `findPart`). Default: all
 * @throws DataError if the file is damaged, or not sorted by query
 */
export async function* readChunks(
  path: string,
  fields: readonly ExtraField[],
  range: RowRange = ALL_ROWS,
): AsyncGenerator<QueryRows> {
  const rows = new GrowingBuilder(fields);
  let queryIds: Uint8Array[] = [];
  let last: Texts | undefined;
  const take = () => {
    const chunk = { neighbours: rows.take(), queryIds };
    queryIds = [];
    return chunk;
  };
  for await (const batch of readNeighbours(path, fields, range)) {
    const hits = hitsOf(batch);
    const [from, to] = [range.first - batch.firstRow, range.end - batch.firstRow];
    for (let row = Math.max(0, from); row < Math.min(to, hitRows(hits)); row++) {
      const order = last ? compareText(last, 0, hits.queryIds, row) : -1;
      if (order > 0) throw new DataError(ALIGN_MESSAGES.notSorted(path, quoteId(textBytes(hits.queryIds, row))));
      if (order < 0) {
        if (rows.isFull) yield take();
        last = copyText(hits.queryIds, row);
        queryIds.push(last.bytes);
      }
      rows.push(batch, row);
    }
  }
  if (queryIds.length > 0) yield take();
}

/** Some of the queries of a file of neighbours. */
export interface NeighboursPart {
  rows: RowRange;
  /** By the hashes of their ids (murmur3, 128 bits). */
  queries: KeyIndex;
}

/** Finds the rows of queries, without reading their sequences. @param range positions of the queries among those of the file */
export async function findPart(path: string, { first, end }: QueryRange): Promise<NeighboursPart> {
  let [query, firstRow, rows] = [-1, Number.POSITIVE_INFINITY, 0];
  let last: Texts | undefined;
  const queries = new KeyIndex(Number.POSITIVE_INFINITY);
  const key = new Uint32Array(KEY_BYTES / 4);
  for await (const batch of readNeighbours(path)) {
    const { queryIds } = hitsOf(batch);
    for (let row = 0; row < hitRows(batch); row++, rows++) {
      if (last && sameText(last, 0, queryIds, row)) continue;
      last = copyText(queryIds, row);
      if (++query === first) firstRow = rows;
      if (query === end) return { rows: { first: firstRow, end: rows }, queries };
      if (query < first) continue;
      murmur3(last.bytes, 0, last.bytes.length, key, 0);
      queries.add(key, 0, query);
    }
  }
  return { rows: { first: Math.min(firstRow, rows), end: rows }, queries };
}

/** Collects rows, however many one query has. */
class GrowingBuilder {
  readonly #fields: readonly ExtraField[];
  #capacity = 2 * CHUNK_ROWS;
  #builder: NeighbourBuilder;

  constructor(fields: readonly ExtraField[]) {
    this.#fields = fields;
    this.#builder = this.#create();
  }

  get isFull(): boolean {
    return this.#builder.rows >= CHUNK_ROWS || this.#builder.full;
  }

  push(batch: NeighbourColumns, row: number): void {
    if (this.#builder.rows === this.#capacity) this.#grow();
    this.#builder.push(hitsOf(batch), row, batch.ranks[row]!);
  }

  take(): NeighbourColumns {
    return this.#builder.take();
  }

  #create(): NeighbourBuilder {
    return createNeighbourBuilder({ rows: this.#capacity, bytes: CHUNK_BYTES }, this.#fields);
  }

  #grow(): void {
    const taken = this.#builder.take();
    this.#capacity *= 2;
    this.#builder = this.#create();
    const hits = hitsOf(taken);
    for (let row = 0; row < hitRows(hits); row++) this.#builder.push(hits, row, taken.ranks[row]!);
  }
}
