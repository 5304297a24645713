import { columnBytes, columnLength, columnText, type Utf8Column } from '../../base/bytes/utf8-column.ts';

const SLASH = '/'.charCodeAt(0);

/**
 * Returns what distinguishes paths: without the groups that all have in common, and without the last name where all have the same, as
 * `P12345/embedding`. The rest may have several names, because h5py makes groups of an id with slashes.
 * @returns the column itself where nothing is removed
 */
export function idsOfPaths(paths: Utf8Column): Utf8Column {
  const start = commonGroupBytes(paths);
  const end = commonNameBytes(paths, start);
  if (start === 0 && end === 0) return paths;
  const rows = columnLength(paths);
  const offsets = new Int32Array(rows + 1);
  const bytes = new Uint8Array(paths.offsets[rows]! - rows * (start + end));
  for (let row = 0; row < rows; row++) {
    const id = columnBytes(paths, row).subarray(start, -end || undefined);
    bytes.set(id, offsets[row]!);
    offsets[row + 1] = offsets[row]! + id.length;
  }
  return { offsets, bytes };
}

/** Returns the length of the groups that all paths begin with, with their slash. */
function commonGroupBytes(paths: Utf8Column): number {
  const first = columnBytes(paths, 0);
  let common = first.lastIndexOf(SLASH) + 1;
  for (let row = 1; row < columnLength(paths) && common > 0; row++) {
    const path = columnBytes(paths, row);
    while (!startsWith(path, first, common)) common = first.subarray(0, common - 1).lastIndexOf(SLASH) + 1;
  }
  return common;
}

function startsWith(path: Uint8Array, first: Uint8Array, byteLength: number): boolean {
  if (path.length < byteLength) return false;
  for (let at = 0; at < byteLength; at++) if (path[at] !== first[at]) return false;
  return true;
}

/**
 * Returns the length of the last name, with its slash, that all paths end with; 0 if they end in different names, or if nothing would be
 * left of one.
 * @param start bytes that are removed at the beginning
 */
function commonNameBytes(paths: Utf8Column, start: number): number {
  const rows = columnLength(paths);
  const first = columnText(paths, 0);
  const slash = first.lastIndexOf('/');
  if (rows < 2 || slash < 0) return 0;
  const name = Buffer.from(first.slice(slash));
  for (let row = 0; row < rows; row++) {
    const path = columnBytes(paths, row);
    if (path.length <= start + name.length || name.compare(path, path.length - name.length) !== 0) return 0;
  }
  return name.length;
}
