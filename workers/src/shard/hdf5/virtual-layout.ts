import { BadStructure, Fields, type FileBytes, fieldsAt } from './file-bytes.ts';

/** A rectangle of elements: first row and column, and counts of both. */
export interface Box {
  start: number[];
  size: number[];
}

/** A part of a virtual dataset, and the dataset that contains it. */
export interface Mapping {
  file: string;
  dataset: string;
  /** Undefined if the selection is not one rectangle. */
  source: Box | 'all' | undefined;
  virtual: Box | 'all' | undefined;
}

/**
 * Reads the mappings of a virtual dataset from the heap object of its layout.
 * Format: HDF5 File Format Specification 3.0, sections III.E, VII.A (version 0 and 1) and appendix C.
 * @throws BadStructure
 */
export function readMappings(file: FileBytes, heap: number, object: number): Mapping[] {
  const fields = new Fields(readHeapObject(file, heap, object), file);
  const version = fields.uint(1);
  if (version > 1) throw new BadStructure('the mappings of a virtual dataset have an unknown version');
  const count = fields.length();
  if (count > fields.left) throw new BadStructure('a virtual dataset has too many mappings');
  const names: { file: string; dataset: string }[] = [];
  const mappings: Mapping[] = [];
  for (let i = 0; i < count; i++) {
    // Version 1 shares names: it may store the position of an earlier mapping instead of the text.
    const flags = version === 1 ? fields.uint(1) : 0;
    const name = (key: 'file' | 'dataset', sharedBit: number) => {
      if (!(flags & sharedBit)) return fields.text();
      const earlier = names[fields.length()];
      if (!earlier) throw new BadStructure('a name of a virtual dataset is missing');
      return earlier[key];
    };
    const own = { file: flags & 4 ? '.' : name('file', 1), dataset: name('dataset', 2) };
    names.push(own);
    mappings.push({ ...own, source: parseSelection(fields), virtual: parseSelection(fields) });
  }
  return mappings;
}

/** Reads an object of a global heap. Format: section III.E. */
function readHeapObject(file: FileBytes, heap: number, object: number): Uint8Array {
  // Both headers are padded to multiples of eight bytes.
  const unused = -file.lengthBytes & 7;
  const head = fieldsAt(file, heap, 8 + file.lengthBytes);
  head.signature('GCOL');
  head.skip(4);
  const byteLength = head.length();
  const fields = fieldsAt(file, heap, byteLength);
  fields.skip(8 + file.lengthBytes + unused);
  while (fields.left >= 8 + file.lengthBytes + unused) {
    const index = fields.uint(2);
    fields.skip(6);
    const size = fields.length();
    fields.skip(unused);
    if (index === 0) break;
    if (index === object) return fields.take(size);
    fields.skip(Math.ceil(size / 8) * 8);
  }
  throw new BadStructure('an object of a heap is missing');
}

const HYPERSLAB = 2;
const ALL = 3;

/** Parses a serialized dataspace selection. @returns undefined unless it is everything or one rectangle */
function parseSelection(fields: Fields): Box | 'all' | undefined {
  const [type, version] = [fields.uint(4), fields.uint(4)];
  if (type === ALL) {
    fields.skip(8);
    return 'all';
  }
  if (type !== HYPERSLAB) throw new BadStructure('a virtual dataset has a selection of another kind');
  if (version === 1) {
    fields.skip(8);
    const [rank, blocks] = [fields.uint(4), fields.uint(4)];
    const corners = Array.from({ length: blocks }, () => [numbers(fields, rank, 4), numbers(fields, rank, 4)] as const);
    if (corners.length !== 1) return undefined;
    const [start, end] = corners[0]!;
    return { start, size: end.map((each, i) => each - start[i]! + 1) };
  }
  const flags = fields.uint(1);
  const each = version === 2 ? 8 : fields.uint(1);
  if (version === 2) fields.skip(4);
  const rank = fields.uint(4);
  if (flags & 1) {
    const parts = Array.from({ length: rank }, () => numbers(fields, 4, each));
    // [start, stride, count, block]: one rectangle if blocks are adjacent, or single.
    const isWhole = parts.every(([, stride, count, block]) => count === 1 || stride === block);
    const isBounded = parts.every(([, , count, block]) => count! * block! < 2 ** 53);
    if (!isWhole || !isBounded) return undefined;
    return { start: parts.map(([start]) => start!), size: parts.map(([, , count, block]) => count! * block!) };
  }
  const blocks = fields.uint(each);
  const corners = Array.from({ length: blocks }, () => [numbers(fields, rank, each), numbers(fields, rank, each)]);
  if (corners.length !== 1) return undefined;
  const [start, end] = corners[0]!;
  return { start: start!, size: end!.map((last, i) => last - start![i]! + 1) };
}

function numbers(fields: Fields, count: number, each: number): number[] {
  return Array.from({ length: count }, () => fields.uint(each));
}

/**
 * Finds the first rows of a dataset of one or two dimensions that the boxes do not cover.
 * @returns rows [start, end), or undefined if all are covered
 */
export function findUncovered(
  shape: readonly number[],
  boxes: readonly Box[],
): { start: number; end: number } | undefined {
  const rows = shape[0]!;
  const columns = shape[1] ?? 1;
  const edges = new Set([0, rows]);
  for (const { start, size } of boxes) for (const edge of [start[0]!, start[0]! + size[0]!]) edges.add(edge);
  const sorted = [...edges].filter((edge) => edge <= rows).sort((a, b) => a - b);
  for (let i = 0; i + 1 < sorted.length; i++) {
    const [from, to] = [sorted[i]!, sorted[i + 1]!];
    const across = boxes
      .filter(({ start, size }) => start[0]! <= from && start[0]! + size[0]! >= to)
      .map(({ start, size }) => [start[1] ?? 0, (start[1] ?? 0) + (size[1] ?? 1)] as const)
      .sort(([a], [b]) => a - b);
    let covered = 0;
    for (const [first, end] of across) if (first <= covered) covered = Math.max(covered, end);
    if (covered < columns) return { start: from, end: to };
  }
  return undefined;
}
