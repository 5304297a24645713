import { crc32 } from 'node:zlib';
import { CRC64_POLYNOMIAL, crc64 } from '../wasm/crc64.ts';

/** How checksums are computed: cyclic redundancy checks, of which those of parts make that of the whole. */
export class Algorithm {
  readonly name: string;
  readonly #bits: bigint;
  readonly #polynomial: bigint;
  /** Checksum of a content; of a longer one, where `before` is that of what comes before. */
  readonly of: (content: Uint8Array, before?: bigint) => bigint;
  /** x^(8 * bytes) for the last number of bytes: parts are of one length. */
  #shift = { bytes: 0, factor: 0n };

  /** @param polynomial bits reversed, without its highest */
  constructor(name: string, bits: number, polynomial: bigint, of: (content: Uint8Array, before?: bigint) => bigint) {
    this.name = name;
    this.#bits = BigInt(bits);
    this.#polynomial = polynomial;
    this.of = of;
  }

  /** Checksum of two contents one after the other, from their own: what they were need not be known. */
  combine(first: bigint, second: bigint, secondBytes: number): bigint {
    if (this.#shift.bytes !== secondBytes)
      this.#shift = { bytes: secondBytes, factor: this.#powerOfX(8 * secondBytes) };
    return this.#multiply(first, this.#shift.factor) ^ second;
  }

  /** Name and hexadecimal digits, as in the catalog: `crc64nvme:ae8b14860a799888`. */
  format(value: bigint): string {
    return `${this.name}:${value.toString(16).padStart(Number(this.#bits) / 4, '0')}`;
  }

  /** Whether a checksum is one of these. */
  made(checksum: string): boolean {
    return checksum.startsWith(`${this.name}:`);
  }

  #powerOfX(exponent: number): bigint {
    let [power, square] = [1n << (this.#bits - 1n), 1n << (this.#bits - 2n)]; // 1 and x
    for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
      if (rest % 2 === 1) power = this.#multiply(power, square);
      square = this.#multiply(square, square);
    }
    return power;
  }

  /** Product of two polynomials modulo the check's. */
  #multiply(a: bigint, b: bigint): bigint {
    let product = 0n;
    for (let bit = 1n << (this.#bits - 1n), factor = b; bit > 0n; bit >>= 1n) {
      if (a & bit) product ^= factor;
      factor = factor & 1n ? (factor >> 1n) ^ this.#polynomial : factor >> 1n;
    }
    return product;
  }
}

/** S3's own, and that of all files that are written. */
export const CRC64 = new Algorithm('crc64nvme', 64, CRC64_POLYNOMIAL, crc64);
/** Of databases that an earlier version built, and of objects that other tools sent. */
export const CRC32 = new Algorithm('crc32', 32, 0xedb88320n, (content, before = 0n) =>
  BigInt(crc32(content, Number(before))),
);

/** The algorithm of a checksum. */
export function algorithmOf(checksum: string): Algorithm {
  return CRC32.made(checksum) ? CRC32 : CRC64;
}

export function isChecksum(value: unknown): boolean {
  return typeof value === 'string' && /^(crc64nvme:[0-9a-f]{16}|crc32:[0-9a-f]{8})$/.test(value);
}

/** Whether a content has this checksum, of either algorithm. */
export function hasChecksum(content: Uint8Array, checksum: string): boolean {
  const algorithm = algorithmOf(checksum);
  return algorithm.format(algorithm.of(content)) === checksum;
}
