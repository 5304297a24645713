import type { FileBytes } from '../hdf5/file-bytes.ts';

/** A page also holds the neighbours of a structure, and costs little more than the structure alone where those are elsewhere. */
const PAGE_BYTES = 4096;
const MAX_PAGES = 1024;

/** Keeps the last pages of a file in memory, for parsers of many small structures. */
export class PagedFile implements FileBytes {
  readonly addressBytes: number;
  readonly lengthBytes: number;
  readonly byteLength: number;
  readonly #file: FileBytes;
  readonly #pages = new Map<number, Uint8Array>();

  constructor(file: FileBytes) {
    this.#file = file;
    this.addressBytes = file.addressBytes;
    this.lengthBytes = file.lengthBytes;
    this.byteLength = file.byteLength;
  }

  /** Reads a range; the bytes may be shared with other reads. @throws BadStructure if it is not inside the file */
  read(address: number, byteLength: number): Uint8Array {
    const page = Math.floor(address / PAGE_BYTES);
    const at = address - page * PAGE_BYTES;
    const isInside = at >= 0 && byteLength >= 0 && address + byteLength <= this.byteLength;
    if (!isInside || at + byteLength > PAGE_BYTES) return this.#file.read(address, byteLength);
    return this.#page(page).subarray(at, at + byteLength);
  }

  #page(page: number): Uint8Array {
    const known = this.#pages.get(page);
    if (known) return known;
    const start = page * PAGE_BYTES;
    const bytes = this.#file.read(start, Math.min(PAGE_BYTES, this.byteLength - start));
    const [oldest] = this.#pages.keys();
    if (oldest !== undefined && this.#pages.size >= MAX_PAGES) this.#pages.delete(oldest);
    this.#pages.set(page, bytes);
    return bytes;
  }
}
