/** An error for a structure that violates the HDF5 format. */
export class BadStructure extends Error {}

/** An open file, for parsers of its structures. Addresses are relative to the base address of the file. */
export interface FileBytes {
  /** Bytes of an address and of a length: "size of offsets" and "size of lengths" of the superblock. */
  readonly addressBytes: number;
  readonly lengthBytes: number;
  /** Bytes from the base address to the end of the file. */
  readonly byteLength: number;
  /** Reads a range. @throws BadStructure if it is not inside the file */
  read(address: number, byteLength: number): Uint8Array;
}

/** The address of unallocated space: all bits set. */
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

  /** Reads an unsigned integer of 1 to 8 bytes. Numbers above 2^53 are rounded; every caller refuses them as too large. */
  uint(byteLength: number): number {
    let value = 0;
    let scale = 1;
    for (const byte of this.take(byteLength)) {
      value += byte * scale;
      scale *= 256;
    }
    return value;
  }

  /** Reads an address, or UNDEFINED_ADDRESS. */
  address(): number {
    return this.#uintOrNone(this.#sizes.addressBytes);
  }

  length(): number {
    return this.uint(this.#sizes.lengthBytes);
  }

  /** Reads a length, or UNDEFINED_ADDRESS for no limit. */
  limit(): number {
    return this.#uintOrNone(this.#sizes.lengthBytes);
  }

  #uintOrNone(byteLength: number): number {
    const isNone = this.take(byteLength).every((byte) => byte === 0xff);
    this.at -= byteLength;
    const value = this.uint(byteLength);
    return isNone ? UNDEFINED_ADDRESS : value;
  }

  /** Checks the next four bytes. @throws BadStructure if they differ */
  signature(expected: string): void {
    const found = Buffer.from(this.take(4)).toString('latin1');
    if (found !== expected) throw new BadStructure(`${JSON.stringify(expected)} is missing`);
  }

  /** Reads a NUL-terminated text. */
  text(): string {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0) throw new BadStructure('a name has no end');
    const text = Buffer.from(this.take(end - this.at)).toString('utf8');
    this.skip(1);
    return text;
  }
}

/** Reads a range of the file as fields. */
export function fieldsAt(file: FileBytes, address: number, byteLength: number): Fields {
  return new Fields(file.read(address, byteLength), file);
}

const PAD_NULL_TERMINATED = 0;
const PAD_SPACE = 2;

/**
 * Finds the end of a fixed-length text: before its padding of NULs (numpy) or spaces, or at its first NUL.
 * @param pad kind of padding: H5T_str_t
 */
export function unpadded(bytes: Uint8Array, from: number, end: number, pad: number): number {
  let to = end;
  if (pad === PAD_NULL_TERMINATED) for (to = from; to < end && bytes[to] !== 0; ) to++;
  // h5wasm pads with NULs even if it declares spaces.
  else while (to > from && (bytes[to - 1] === 0 || (pad === PAD_SPACE && bytes[to - 1] === 0x20))) to--;
  return to;
}
