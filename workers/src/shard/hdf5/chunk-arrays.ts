import { BadStructure, type Fields, type FileBytes, fieldsAt, UNDEFINED_ADDRESS } from './file-bytes.ts';

/** A stored chunk. */
export interface StoredChunk {
  /** Position in the grid of chunks, by dimension. */
  position: number[];
  address: number;
  /** Undefined for unfiltered chunks, which all have the same size. */
  bytes: number | undefined;
}

/** An entry of an array: the chunk's number in the grid, its address, and its size if it is filtered. */
type Element = { at: number; address: number; bytes: number | undefined };

const CHECKSUM_BYTES = 4;

/** Reads the entries of one block, numbered from `first`. */
function* elements(fields: Fields, count: number, elementBytes: number, isFiltered: boolean, first: number) {
  for (let i = 0; i < count; i++) {
    const start = fields.at;
    const address = fields.address();
    const bytes = isFiltered ? fields.uint(elementBytes - (fields.at - start) - 4) : undefined;
    if (isFiltered) fields.skip(4);
    if (address !== UNDEFINED_ADDRESS) yield { at: first + i, address, bytes } satisfies Element;
  }
}

function isSet(bitmap: Uint8Array, bit: number): boolean {
  return (bitmap[bit >> 3]! & (0x80 >> (bit & 7))) !== 0;
}

/** Reads a fixed array. Format: HDF5 File Format Specification 3.0, section VII.C. */
export function* readFixedArray(file: FileBytes, address: number): Generator<Element> {
  const header = fieldsAt(file, address, 8 + file.lengthBytes + file.addressBytes);
  header.signature('FAHD');
  header.skip(1);
  const isFiltered = header.uint(1) === 1;
  const [elementBytes, pageBits] = [header.uint(1), header.uint(1)];
  const count = header.length();
  const block = header.address();
  if (block === UNDEFINED_ADDRESS) return;
  const perPage = 2 ** pageBits;
  const headBytes = 6 + file.addressBytes;
  fieldsAt(file, block, 4).signature('FADB');
  const read = (at: number, first: number, entries: number) =>
    elements(fieldsAt(file, at, entries * elementBytes), entries, elementBytes, isFiltered, first);
  if (count <= perPage) {
    yield* read(block + headBytes, 0, count);
    return;
  }
  const pages = Math.ceil(count / perPage);
  const bitmap = file.read(block + headBytes, Math.ceil(pages / 8));
  let at = block + headBytes + bitmap.length + CHECKSUM_BYTES;
  for (let page = 0; page < pages; page++) {
    const entries = Math.min(perPage, count - page * perPage);
    if (isSet(bitmap, page)) yield* read(at, page * perPage, entries);
    at += perPage * elementBytes + CHECKSUM_BYTES;
  }
}

/** Reads an extensible array. Format: HDF5 File Format Specification 3.0, section VII.D. */
export function* readExtensibleArray(file: FileBytes, address: number): Generator<Element> {
  const header = fieldsAt(file, address, 12 + 6 * file.lengthBytes + file.addressBytes);
  header.signature('EAHD');
  header.skip(1);
  const isFiltered = header.uint(1) === 1;
  const [elementBytes, indexBits, directElements] = [header.uint(1), header.uint(1), header.uint(1)];
  const [minElements, minPointers, pageBits] = [header.uint(1), header.uint(1), header.uint(1)];
  header.skip(6 * file.lengthBytes);
  const indexBlock = header.address();
  if (indexBlock === UNDEFINED_ADDRESS) return;
  if (minElements === 0 || minPointers === 0 || indexBits > 64)
    throw new BadStructure('an extensible array has wrong sizes');
  const headBytes = 6 + file.addressBytes;
  const offsetBytes = Math.ceil(indexBits / 8);
  const perPage = 2 ** pageBits;
  const superBlocks = 1 + indexBits - Math.log2(minElements);
  const directSuperBlocks = 2 * Math.log2(minPointers);
  const directBlocks = 2 * (minPointers - 1);
  const indexBytes = directElements * elementBytes + (directBlocks + superBlocks) * file.addressBytes;
  const availableBytes = Math.min(indexBytes, file.byteLength - indexBlock - headBytes);
  fieldsAt(file, indexBlock, 4).signature('EAIB');
  const index = fieldsAt(file, indexBlock + headBytes, availableBytes);
  yield* elements(index, directElements, elementBytes, isFiltered, 0);
  let first = directElements;
  for (let number = 0; number < superBlocks; number++) {
    const blocks = 2 ** Math.floor(number / 2);
    const perBlock = 2 ** Math.floor((number + 1) / 2) * minElements;
    const pages = perBlock > perPage ? perBlock / perPage : 0;
    let pointers = index;
    let bitmaps: Uint8Array[] = [];
    if (number >= directSuperBlocks) {
      const at = index.address();
      if (at === UNDEFINED_ADDRESS) {
        first += blocks * perBlock;
        continue;
      }
      const bitmapBytes = Math.ceil(pages / 8);
      const byteLength = headBytes + offsetBytes + blocks * (bitmapBytes + file.addressBytes);
      pointers = fieldsAt(file, at, byteLength);
      pointers.signature('EASB');
      pointers.skip(headBytes - 4 + offsetBytes);
      bitmaps = pages > 0 ? Array.from({ length: blocks }, () => pointers.take(bitmapBytes)) : [];
    }
    for (let block = 0; block < blocks; block++, first += perBlock) {
      let at = pointers.address();
      if (at === UNDEFINED_ADDRESS) continue;
      fieldsAt(file, at, 4).signature('EADB');
      at += headBytes + offsetBytes;
      const read = (from: number, start: number, count: number) =>
        elements(fieldsAt(file, from, count * elementBytes), count, elementBytes, isFiltered, start);
      if (pages === 0) yield* read(at, first, perBlock);
      for (let page = 0; page < pages; page++)
        if (isSet(bitmaps[block]!, page))
          yield* read(
            at + CHECKSUM_BYTES + page * (perPage * elementBytes + CHECKSUM_BYTES),
            first + page * perPage,
            perPage,
          );
    }
  }
}

/** A B-tree of version 2 with a record per chunk. Format: section III.A.2. */
export class BTree2 {
  readonly #file: FileBytes;
  readonly #rank: number;
  readonly #isFiltered: boolean;
  readonly #nodeBytes: number;
  readonly #recordBytes: number;
  readonly #depth: number;
  readonly #root: number;
  readonly #rootRecords: number;
  /** Bytes of the record count of a child, and of the total below it, by depth. */
  readonly #countBytes: number;
  readonly #totalBytes: number[] = [0];
  readonly #visited = new Set<number>();

  constructor(file: FileBytes, address: number, rank: number) {
    this.#file = file;
    this.#rank = rank;
    const header = fieldsAt(file, address, 18 + file.addressBytes + file.lengthBytes);
    header.signature('BTHD');
    header.skip(1);
    const type = header.uint(1);
    if (type !== 10 && type !== 11) throw new BadStructure('an index of chunks has records of another kind');
    this.#isFiltered = type === 11;
    this.#nodeBytes = header.uint(4);
    this.#recordBytes = header.uint(2);
    this.#depth = header.uint(2);
    header.skip(2);
    this.#root = header.address();
    this.#rootRecords = header.uint(2);
    const minBytes = file.addressBytes + 8 * rank + (this.#isFiltered ? 5 : 0);
    if (this.#recordBytes < minBytes || this.#depth > 64) throw new BadStructure('an index of chunks has wrong sizes');
    const inLeaf = Math.floor((this.#nodeBytes - 10) / this.#recordBytes);
    this.#countBytes = bytesFor(inLeaf);
    let total = inLeaf;
    for (let depth = 1; depth <= this.#depth; depth++) {
      const pointerBytes = this.#pointerBytes(depth);
      const records = Math.floor((this.#nodeBytes - 10 - pointerBytes) / (this.#recordBytes + pointerBytes));
      total = (records + 1) * total + records;
      this.#totalBytes.push(bytesFor(total));
    }
  }

  *records(): Generator<StoredChunk> {
    if (this.#root !== UNDEFINED_ADDRESS) yield* this.#visit(this.#root, this.#rootRecords, this.#depth);
  }

  #pointerBytes(depth: number): number {
    return this.#file.addressBytes + this.#countBytes + (this.#totalBytes[depth - 1] ?? 0);
  }

  *#visit(address: number, records: number, depth: number): Generator<StoredChunk> {
    if (this.#visited.has(address)) throw new BadStructure('an index of chunks contains a cycle');
    this.#visited.add(address);
    const pointers = depth > 0 ? records + 1 : 0;
    const byteLength = 6 + records * this.#recordBytes + pointers * (depth > 0 ? this.#pointerBytes(depth) : 0);
    const node = fieldsAt(this.#file, address, byteLength);
    node.signature(depth > 0 ? 'BTIN' : 'BTLF');
    node.skip(2);
    for (let i = 0; i < records; i++) yield this.#record(node);
    for (let i = 0; i < pointers; i++) {
      const child = node.address();
      const count = node.uint(this.#countBytes);
      node.skip(this.#totalBytes[depth - 1]!);
      yield* this.#visit(child, count, depth - 1);
    }
  }

  #record(node: Fields): StoredChunk {
    const end = node.at + this.#recordBytes;
    const address = node.address();
    const sizeBytes = end - node.at - 8 * this.#rank - 4;
    const bytes = this.#isFiltered ? node.uint(sizeBytes) : undefined;
    if (this.#isFiltered) node.skip(4);
    const position = Array.from({ length: this.#rank }, () => node.uint(8));
    node.at = end;
    return { position, address, bytes };
  }
}

/** Returns the bytes that represent any number up to `limit`. */
function bytesFor(limit: number): number {
  return Math.floor(Math.log2(Math.max(1, limit)) / 8) + 1;
}
