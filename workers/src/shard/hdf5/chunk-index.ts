import type { StoredChunk } from './chunk-arrays.ts';
import { BTree2, readExtensibleArray, readFixedArray } from './chunk-arrays.ts';
import { BadStructure, type FileBytes, fieldsAt, UNDEFINED_ADDRESS } from './file-bytes.ts';
import type { ChunkIndex } from './storage.ts';

/** A chunked dataset. */
export interface ChunkGrid {
  /** Rows and columns: now, and at most (UNDEFINED_ADDRESS where there is no limit). */
  shape: number[];
  most: number[];
  /** Sizes of a chunk in elements, and its bytes before filters. */
  chunk: number[];
  chunkBytes: number;
}

/** An index holds at least this many bytes a chunk. */
const LEAST_ENTRY_BYTES = 4;

/**
 * Goes through all chunks that an index names, in no particular order.
 * Formats: HDF5 File Format Specification 3.0, sections III.A.1, VII and VIII.
 * @throws BadStructure
 */
export function* storedChunks(file: FileBytes, index: ChunkIndex, grid: ChunkGrid): Generator<StoredChunk> {
  const { address } = index;
  if (address === UNDEFINED_ADDRESS) return;
  const zeros = grid.shape.map(() => 0);
  if (index.kind === 'single') yield { position: zeros, address, bytes: index.storedBytes };
  else if (index.kind === 'b-tree 1') yield* readBTree1(file, address, grid);
  else if (index.kind === 'b-tree 2') yield* new BTree2(file, address, grid.shape.length).records();
  else {
    const place = linearPlaces(grid, index.kind === 'extensible array');
    if (index.kind === 'implicit') {
      for (let i = 0; i < countOf(grid, grid.most); i++)
        yield { position: place(i), address: address + i * grid.chunkBytes, bytes: undefined };
      return;
    }
    const read = index.kind === 'fixed array' ? readFixedArray : readExtensibleArray;
    for (const { at, ...chunk } of read(file, address)) yield { position: place(at), ...chunk };
  }
}

/** Rows [start, end) that no chunk of the file holds, or holds in part. */
export interface MissingRows {
  start: number;
  end: number;
}

/**
 * Finds the first rows that were never written.
 * @returns undefined where every chunk is there. @throws BadStructure where one is not inside the file
 */
export function findMissingRows(file: FileBytes, index: ChunkIndex, grid: ChunkGrid): MissingRows | undefined {
  const counts = chunkCounts(grid, grid.shape);
  const expected = counts.reduce((product, count) => product * count, 1);
  if (expected === 0) return undefined;
  const rowsOf = (chunkRow: number) => ({
    start: chunkRow * grid.chunk[0]!,
    end: Math.min(grid.shape[0]!, (chunkRow + 1) * grid.chunk[0]!),
  });
  // Before memory is asked for: a damaged size can be any number.
  if (index.kind !== 'implicit' && expected * LEAST_ENTRY_BYTES > file.byteLength + 64)
    throw new BadStructure(`the file is too small for its ${expected} chunks`);
  if (index.kind === 'implicit' && index.address !== UNDEFINED_ADDRESS)
    file.read(index.address + countOf(grid, grid.most) * grid.chunkBytes - 1, 1);
  const seen = new Uint8Array(expected);
  for (const { position, address, bytes } of storedChunks(file, index, grid)) {
    if (position.some((at, dimension) => at >= counts[dimension]!)) continue;
    if (address + (bytes ?? grid.chunkBytes) > file.byteLength)
      throw new BadStructure(`a chunk lies beyond the end of the file`);
    seen[position.reduce((at, each, dimension) => at * counts[dimension]! + each, 0)] = 1;
  }
  const first = seen.indexOf(0);
  if (first < 0) return undefined;
  const perRow = expected / counts[0]!;
  const { start, end } = rowsOf(Math.floor(first / perRow));
  let last = end;
  for (let row = Math.floor(first / perRow) + 1; row < counts[0]!; row++) {
    if (!seen.subarray(row * perRow, (row + 1) * perRow).includes(0)) break;
    last = rowsOf(row).end;
  }
  return { start, end: last };
}

function chunkCounts({ chunk }: ChunkGrid, shape: readonly number[]): number[] {
  return shape.map((size, dimension) => Math.ceil(size / chunk[dimension]!));
}

function countOf(grid: ChunkGrid, shape: readonly number[]): number {
  return chunkCounts(grid, shape).reduce((product, count) => product * count, 1);
}

/** The place in the grid of the n-th chunk: by row, but a dimension without a limit varies slowest. */
function linearPlaces(grid: ChunkGrid, isExtensible: boolean): (n: number) => number[] {
  const counts = chunkCounts(grid, grid.most);
  const unlimited = isExtensible ? Math.max(0, grid.most.indexOf(UNDEFINED_ADDRESS)) : 0;
  const order = [unlimited, ...counts.keys().filter((dimension) => dimension !== unlimited)];
  return (n) => {
    const position = new Array<number>(counts.length).fill(0);
    let rest = n;
    for (const dimension of order.slice(1).reverse()) {
      position[dimension] = rest % counts[dimension]!;
      rest = Math.floor(rest / counts[dimension]!);
    }
    position[unlimited] = rest;
    return position;
  };
}

/** A B-tree of version 1, type 1. */
function* readBTree1(file: FileBytes, root: number, grid: ChunkGrid): Generator<StoredChunk> {
  const rank = grid.shape.length;
  const visited = new Set<number>();
  const keyBytes = 8 + 8 * (rank + 1);
  function* visit(address: number, expectedLevel: number | undefined): Generator<StoredChunk> {
    if (visited.has(address)) throw new BadStructure('an index of chunks runs in a circle');
    visited.add(address);
    const head = fieldsAt(file, address, 8);
    head.signature('TREE');
    const [type, level, entries] = [head.uint(1), head.uint(1), head.uint(2)];
    if (type !== 1 || (expectedLevel !== undefined && level !== expectedLevel))
      throw new BadStructure('an index of chunks has a node of another kind');
    const node = fieldsAt(file, address + 8 + 2 * file.addressBytes, entries * (keyBytes + file.addressBytes));
    for (let i = 0; i < entries; i++) {
      const bytes = node.uint(4);
      node.skip(4);
      const offsets = Array.from({ length: rank }, () => node.uint(8));
      node.skip(8);
      const child = node.address();
      if (level > 0) yield* visit(child, level - 1);
      else if (offsets.some((offset, dimension) => offset % grid.chunk[dimension]! !== 0))
        throw new BadStructure('a chunk begins inside another');
      else yield { position: offsets.map((offset, d) => offset / grid.chunk[d]!), address: child, bytes };
    }
  }
  yield* visit(root, undefined);
}
