import { FRAGMENT_ROWS } from '../../../lance/format/file-format.ts';
/** Bytes between two rows that are read with them at most: reading them takes as long as a request. */
export const GAP_BYTES = 2 ** 17;
/** Rows that are read besides, to save requests, as a share of those that a query needs. */
export const SPARE_SHARE = 0.15;

/** Consecutive rows of a fragment that are scored. */
export interface RowRun {
  first: number;
  rows: number;
  /** Position of the first one in the list of rows. */
  at: number;
}

/** Consecutive rows of a fragment that one request reads; those between its runs are not needed. */
export interface RowRead {
  fragment: number;
  first: number;
  rows: number;
  runs: RowRun[];
}

/**
 * Plans requests for rows. Runs of rows are joined, those with the fewest rows between them first: a request costs the time of more.
 * @param rowIds of LanceDB (fragment * 2^32 + row), ascending @param mostRows of a request
 * @param spareRows that may be read besides @param mostGap rows of one gap
 */
export function planRowReads(rowIds: Float64Array, mostRows: number, spareRows: number, mostGap: number): RowRead[] {
  const reads: RowRead[] = [];
  for (let at = 0; at < rowIds.length; ) {
    const fragment = Math.floor(rowIds[at]! / FRAGMENT_ROWS);
    const first = rowIds[at]! - fragment * FRAGMENT_ROWS;
    let rows = 1;
    // The first row of a fragment is never the next one of another fragment's last.
    while (rows < mostRows && rowIds[at + rows] === rowIds[at]! + rows) rows++;
    reads.push({ fragment, first, rows, runs: [{ first, rows, at }] });
    at += rows;
  }
  return joinReads(reads, mostRows, spareRows, mostGap);
}

function joinReads(reads: readonly RowRead[], mostRows: number, spareRows: number, mostGap: number): RowRead[] {
  /** Rows between a read and the one before. */
  const gapBefore = (i: number) => reads[i]!.first - (reads[i - 1]!.first + reads[i - 1]!.rows);
  const isNear = (i: number) =>
    reads[i]!.fragment === reads[i - 1]!.fragment && gapBefore(i) > 0 && gapBefore(i) <= mostGap;
  const byGap = Array.from({ length: Math.max(0, reads.length - 1) }, (_, i) => i + 1)
    .filter(isNear)
    .sort((a, b) => gapBefore(a) - gapBefore(b));
  const isJoined = new Uint8Array(reads.length);
  let left = spareRows;
  for (const i of byGap) {
    left -= gapBefore(i);
    if (left < 0) break;
    isJoined[i] = 1;
  }
  const joined: RowRead[] = [];
  for (const [i, read] of reads.entries()) {
    const last = joined.at(-1);
    const rows = last ? read.first + read.rows - last.first : 0;
    if (!last || !isJoined[i] || rows > mostRows) {
      joined.push(read);
    } else {
      last.rows = rows;
      last.runs.push(...read.runs);
    }
  }
  return joined;
}

/** Packs reads into lists of at most `mostRows` rows, in their order. */
export function packReads(reads: readonly RowRead[], mostRows: number): RowRead[][] {
  const packs: RowRead[][] = [];
  let rows = mostRows;
  for (const read of reads) {
    rows += read.rows;
    if (rows > mostRows) {
      packs.push([]);
      rows = read.rows;
    }
    packs.at(-1)!.push(read);
  }
  return packs;
}
