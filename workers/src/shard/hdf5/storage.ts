import { BadStructure, type Fields, type FileBytes, fieldsAt } from './file-bytes.ts';

/** The index of the chunks of a dataset. */
export type ChunkIndex =
  | { kind: 'b-tree 1' | 'implicit' | 'fixed array' | 'extensible array' | 'b-tree 2'; address: number }
  | { kind: 'single'; address: number; storedBytes: number | undefined };

/** The storage of a dataset's rows. */
export type Storage =
  | { kind: 'compact'; bytes: number }
  | { kind: 'contiguous'; address: number; bytes: number | undefined }
  | { kind: 'chunked'; chunk: number[]; index: ChunkIndex }
  | { kind: 'virtual'; heap: number; object: number };

/**
 * Reads a layout message. Format: HDF5 File Format Specification 3.0, section IV.A.2.i.
 * @throws BadStructure
 */
export function parseStorage(fields: Fields): Storage {
  const version = fields.uint(1);
  if (version < 3) return parseOldStorage(fields);
  if (version > 5) throw new BadStructure('the layout has an unknown version');
  const kind = fields.uint(1);
  if (kind === 0) return { kind: 'compact', bytes: fields.uint(2) };
  if (kind === 1) return { kind: 'contiguous', address: fields.address(), bytes: fields.length() };
  if (kind === 3) return { kind: 'virtual', heap: fields.address(), object: fields.uint(4) };
  if (kind !== 2) throw new BadStructure('the layout has an unknown class');
  if (version === 3) {
    const rank = fields.uint(1);
    const address = fields.address();
    return { kind: 'chunked', chunk: sizes(fields, rank, 4), index: { kind: 'b-tree 1', address } };
  }
  const flags = fields.uint(1);
  const rank = fields.uint(1);
  const chunk = sizes(fields, rank, fields.uint(1));
  return { kind: 'chunked', chunk, index: parseIndex(fields, flags) };
}

function parseIndex(fields: Fields, flags: number): ChunkIndex {
  const type = fields.uint(1);
  if (type === 1) {
    const isFiltered = (flags & 2) !== 0;
    const storedBytes = isFiltered ? fields.length() : undefined;
    if (isFiltered) fields.skip(4);
    return { kind: 'single', address: fields.address(), storedBytes };
  }
  const kinds = { 2: ['implicit', 0], 3: ['fixed array', 1], 4: ['extensible array', 5], 5: ['b-tree 2', 6] } as const;
  const known = kinds[type as keyof typeof kinds];
  if (!known) throw new BadStructure('the chunk index has an unknown type');
  fields.skip(known[1]);
  return { kind: known[0], address: fields.address() };
}

/** Parses versions 1 and 2, of HDF5 before 1.6.3. */
function parseOldStorage(fields: Fields): Storage {
  const [rank, kind] = [fields.uint(1), fields.uint(1)];
  fields.skip(5);
  const address = kind === 0 ? 0 : fields.address();
  const chunk = sizes(fields, rank, 4);
  if (kind === 0) return { kind: 'compact', bytes: fields.uint(4) };
  if (kind === 1) return { kind: 'contiguous', address, bytes: undefined };
  if (kind !== 2) throw new BadStructure('the layout has an unknown class');
  return { kind: 'chunked', chunk, index: { kind: 'b-tree 1', address } };
}

/** Parses the sizes of a chunk; the last one is the element size in bytes. */
function sizes(fields: Fields, rank: number, each: number): number[] {
  const all = Array.from({ length: rank }, () => fields.uint(each));
  if (all.length < 2 || all.includes(0)) throw new BadStructure('a chunk has no size');
  return all;
}

/** Parses the sizes of a simple dataspace. Format: section IV.A.2.b. */
export function parseShape(fields: Fields): { shape: number[]; maxShape: number[] } {
  const version = fields.uint(1);
  const [rank, flags] = [fields.uint(1), fields.uint(1)];
  fields.skip(version === 1 ? 5 : 1);
  const shape = Array.from({ length: rank }, () => fields.length());
  const maxShape = flags & 1 ? Array.from({ length: rank }, () => fields.limit()) : shape;
  return { shape, maxShape };
}

/** A file that contains consecutive rows of a dataset. */
export interface ExternalFile {
  name: string;
  offset: number;
  bytes: number;
}

/** Reads a message of external files, and their names. Format: sections IV.A.2.h and III.D. @throws BadStructure */
export function parseExternalFiles(file: FileBytes, fields: Fields): ExternalFile[] {
  fields.skip(4);
  fields.skip(2);
  const count = fields.uint(2);
  const heap = fieldsAt(file, fields.address(), 8 + 2 * file.lengthBytes + file.addressBytes);
  heap.signature('HEAP');
  heap.skip(4);
  const namesBytes = heap.length();
  heap.length();
  const names = heap.address();
  return Array.from({ length: count }, () => {
    const nameAt = fields.length();
    if (nameAt >= namesBytes) throw new BadStructure('the name of an external file is missing');
    const name = fieldsAt(file, names + nameAt, namesBytes - nameAt).text();
    return { name, offset: fields.length(), bytes: fields.length() };
  });
}
