/** A structure of an HDF5 file that is not what the format says. */
export class BadStructure extends Error {}

/** The part of an open file that a parser of its structures needs. Addresses count from the file's base address. */
export interface FileBytes {
  /** Bytes of an address and of a length: "size of offsets" and "size of lengths" of the superblock. */
  readonly addressBytes: number;
  readonly lengthBytes: number;
  /** Bytes from the base address to the end of the file. */
  readonly byteLength: number;
  /** Reads a range. @throws BadStructure where it is not inside the file */
  read(address: number, byteLength: number): Uint8Array;
}

/** An address that says "not allocated": all bits set. */
export const UNDEFINED_ADDRESS = Number.POSITIVE_INFINITY;

/** Reads the fields of a structure one after another; all numbers are little-endian. */
export class Fields {
  readonly bytes: Uint8Array;
  readonly #sizes: Pick<FileBytes, 'addressBytes' | 'lengthBytes'>;
  at = 0;

  constructor(bytes: Uint8Array, sizes: Pick<FileBytes, 'addressBytes' | 'lengthBytes'>) {
    this.bytes = bytes;
    this.#sizes = sizes;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  skip(byteLength: number): void {
    this.take(byteLength);
  }

  take(byteLength: number): Uint8Array {
    if (byteLength < 0 || byteLength > this.left) throw new BadStructure('a structure ends too early');
    this.at += byteLength;
    return this.bytes.subarray(this.at - byteLength, this.at);
  }

  /** A whole number of 1 to 8 bytes; beyond 2^53 it is rounded, which every use refuses as too large. */
  uint(byteLength: number): number {
    let value = 0;
    let scale = 1;
    for (const byte of this.take(byteLength)) {
      value += byte * scale;
      scale *= 256;
    }
    return value;
  }

  /** An address, or UNDEFINED_ADDRESS. */
  address(): number {
    return this.#uintOrNone(this.#sizes.addressBytes);
  }

  length(): number {
    return this.uint(this.#sizes.lengthBytes);
  }

  /** A length, or UNDEFINED_ADDRESS where there is no limit. */
  limit(): number {
    return this.#uintOrNone(this.#sizes.lengthBytes);
  }

  #uintOrNone(byteLength: number): number {
    const isNone = this.take(byteLength).every((byte) => byte === 0xff);
    this.at -= byteLength;
    const value = this.uint(byteLength);
    return isNone ? UNDEFINED_ADDRESS : value;
  }

  /** @throws BadStructure where the next four bytes are others */
  signature(expected: string): void {
    const found = Buffer.from(this.take(4)).toString('latin1');
    if (found !== expected) throw new BadStructure(`${JSON.stringify(expected)} is missing`);
  }

  /** Text up to its NUL. */
  text(): string {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0) throw new BadStructure('a name does not end');
    const text = Buffer.from(this.take(end - this.at)).toString('utf8');
    this.skip(1);
    return text;
  }
}

/** The fields of a range of the file. */
export function fieldsAt(file: FileBytes, address: number, byteLength: number): Fields {
  return new Fields(file.read(address, byteLength), file);
}
