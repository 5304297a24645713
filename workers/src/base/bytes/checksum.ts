import { crc32 } from 'node:zlib';
import { CRC64_POLYNOMIAL, crc64 } from '../wasm/crc64.ts';

/** A cyclic redundancy check. The checksums of two parts can be combined into the checksum of the whole. */
export class ChecksumAlgorithm {
  readonly name: string;
  readonly #bits: bigint;
  readonly #polynomial: bigint;
  /** Computes the checksum of `content`, or continues from `before`, the checksum of the bytes that precede it. */
  readonly of: (content: Uint8Array, before?: bigint) => bigint;
  /** Cached x^(8 * bytes), because most parts have the same length. */
  #shift = { bytes: Number.NaN, factor: 0n };

  /** @param polynomial with its bits reversed, without the highest */
  constructor(name: string, bits: number, polynomial: bigint, of: (content: Uint8Array, before?: bigint) => bigint) {
    this.name = name;
    this.#bits = BigInt(bits);
    this.#polynomial = polynomial;
    this.of = of;
  }

  /** Combines the checksums of two parts into the checksum of their concatenation, without reading them. */
  combine(first: bigint, second: bigint, secondBytes: number): bigint {
    if (this.#shift.bytes !== secondBytes)
      this.#shift = { bytes: secondBytes, factor: this.#powerOfX(8 * secondBytes) };
    return this.#multiply(first, this.#shift.factor) ^ second;
  }

  /** Formats a checksum as in the catalog: `crc64nvme:ae8b14860a799888`. */
  format(value: bigint): string {
    return `${this.name}:${value.toString(16).padStart(Number(this.#bits) / 4, '0')}`;
  }

  /** Returns the value of a checksum that `format` made. */
  parse(checksum: string): bigint {
    return BigInt(`0x${checksum.slice(this.name.length + 1)}`);
  }

  /** Returns whether a formatted checksum belongs to this algorithm. */
  isAlgorithmOf(checksum: string): boolean {
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

  /** Multiplies two polynomials modulo the check's polynomial. */
  #multiply(a: bigint, b: bigint): bigint {
    let product = 0n;
    for (let bit = 1n << (this.#bits - 1n), factor = b; bit > 0n; bit >>= 1n) {
      if (a & bit) product ^= factor;
      factor = factor & 1n ? (factor >> 1n) ^ this.#polynomial : factor >> 1n;
    }
    return product;
  }
}

/** S3's default, used for every file that LanceFlow writes. */
export const CRC64 = new ChecksumAlgorithm('crc64nvme', 64, CRC64_POLYNOMIAL, crc64);
/** Occurs in databases of earlier versions and in objects that other tools uploaded. */
export const CRC32 = new ChecksumAlgorithm('crc32', 32, 0xedb88320n, (content, before = 0n) =>
  BigInt(crc32(content, Number(before))),
);

/** Returns the algorithm of a formatted checksum; CRC-64 without one. */
export function algorithmOf(checksum: string | undefined): ChecksumAlgorithm {
  return checksum !== undefined && CRC32.isAlgorithmOf(checksum) ? CRC32 : CRC64;
}

export function isChecksum(value: unknown): boolean {
  return typeof value === 'string' && /^(crc64nvme:[0-9a-f]{16}|crc32:[0-9a-f]{8})$/.test(value);
}

/** Returns whether the content has this checksum, of either algorithm. */
export function hasChecksum(content: Uint8Array, checksum: string): boolean {
  const algorithm = algorithmOf(checksum);
  return algorithm.format(algorithm.of(content)) === checksum;
}
