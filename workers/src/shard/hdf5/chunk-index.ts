import type { StoredChunk } from './chunk-arrays.ts';
import { BTree2, readExtensibleArray, readFixedArray } from './chunk-arrays.ts';
import { BadStructure, type FileBytes, fieldsAt, UNDEFINED_ADDRESS } from './file-bytes.ts';
import type { ChunkIndex } from './storage.ts';

/** A chunked dataset. */
export interface ChunkGrid {
  /** Rows and columns. */
  shape: number[];
  /** Limits of the shape; UNDEFINED_ADDRESS for no limit. */
  maxShape: number[];
  /** Sizes of a chunk in elements. */
  chunk: number[];
  /** Bytes of a chunk before filters. */
  chunkBytes: number;
}

/** Size of a chunk's smallest index entry. */
const MIN_ENTRY_BYTES = 4;

/**
 * Iterates over the chunks of an index, in arbitrary order.
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
    const positionOf = linearPositions(grid, index.kind === 'extensible array');
    if (index.kind === 'implicit') {
      for (let i = 0; i < countOf(grid, grid.maxShape); i++)
        yield { position: positionOf(i), address: address + i * grid.chunkBytes, bytes: undefined };
      return;
    }
    const read = index.kind === 'fixed array' ? readFixedArray : readExtensibleArray;
    for (const { at, ...chunk } of read(file, address)) yield { position: positionOf(at), ...chunk };
  }
}

/** Rows [start, end) whose chunks are missing. */
export interface MissingRows {
  start: number;
  end: number;
}

/**
 * Finds the first rows that were never written.
 * @returns undefined if all chunks exist
 * @throws BadStructure if a chunk is not inside the file
 */
export function findMissingRows(file: FileBytes, index: ChunkIndex, grid: ChunkGrid): MissingRows | undefined {
  const counts = chunkCounts(grid, grid.shape);
  const expected = counts.reduce((product, count) => product * count, 1);
  if (expected === 0) return undefined;
  const rowsOf = (chunkRow: number) => ({
    start: chunkRow * grid.chunk[0]!,
    end: Math.min(grid.shape[0]!, (chunkRow + 1) * grid.chunk[0]!),
  });
  // Checked before allocating, because a damaged size can be any number.
  if (index.kind !== 'implicit' && expected * MIN_ENTRY_BYTES > file.byteLength + 64)
    throw new BadStructure(`the file is too small for its ${expected} chunks`);
  if (index.kind === 'implicit' && index.address !== UNDEFINED_ADDRESS)
    file.read(index.address + countOf(grid, grid.maxShape) * grid.chunkBytes - 1, 1);
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

/** Returns the grid position of the n-th chunk: row-major, except that an unlimited dimension varies slowest. */
function linearPositions(grid: ChunkGrid, isExtensible: boolean): (n: number) => number[] {
  const counts = chunkCounts(grid, grid.maxShape);
  const unlimited = isExtensible ? Math.max(0, grid.maxShape.indexOf(UNDEFINED_ADDRESS)) : 0;
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

/** Reads a B-tree of version 1, type 1. */
function* readBTree1(file: FileBytes, root: number, grid: ChunkGrid): Generator<StoredChunk> {
  const rank = grid.shape.length;
  const visited = new Set<number>();
  const keyBytes = 8 + 8 * (rank + 1);
  function* visit(address: number, expectedLevel: number | undefined): Generator<StoredChunk> {
    if (visited.has(address)) throw new BadStructure('an index of chunks contains a cycle');
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
