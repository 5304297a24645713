import { type Crc64Kernels, crc64Module, FOLD_BYTES, TABLE_BYTES } from './crc64-kernel.ts';

/** The polynomial of CRC-64/NVME, bits reversed. */
export const CRC64_POLYNOMIAL = 0x9a6c9329ac4bc9b5n;
const ALL = 0xffff_ffff_ffff_ffffn;

/**
 * x^1616 + x^1504 + x^1434 + x^575 + x^343 + x^284 + x^240 + x^3 + 1 is a multiple of the polynomial, and so is its eighth power,
 * whose exponents count bytes instead of bits: a byte can be eliminated by adding it to the bytes at these distances after it.
 */
const DISTANCES = [1504, 1434, 575, 343, 284, 240, 3, 0].map((exponent) => 1616 - exponent);
const FARTHEST = Math.max(...DISTANCES);
/** Bytes processed at once; they fit into the processor's cache. */
const CHUNK_BYTES = 2 ** 18;

const ZEROS = TABLE_BYTES;
const CHUNK = ZEROS + FARTHEST;
const TAIL = CHUNK + CHUNK_BYTES + FARTHEST + 2 * FOLD_BYTES;
const MEMORY_BYTES = TAIL + 2 * FARTHEST + FOLD_BYTES;

interface Machine extends Crc64Kernels {
  memory: Uint8Array;
  words: DataView;
}

let shared: Machine | undefined;

function machine(): Machine {
  if (shared) return shared;
  const pages = Math.ceil(MEMORY_BYTES / 65536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const module = new WebAssembly.Module(crc64Module(DISTANCES));
  const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Crc64Kernels;
  const tables = new BigUint64Array(memory.buffer, 0, 8 * 256);
  for (let i = 0; i < 256; i++) {
    let value = BigInt(i);
    for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ CRC64_POLYNOMIAL : value >> 1n;
    tables[i] = value;
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256]!;
    tables[i] = (before >> 8n) ^ tables[Number(before & 0xffn)]!;
  }
  shared = { ...kernels, memory: new Uint8Array(memory.buffer), words: new DataView(memory.buffer) };
  return shared;
}

/** Computes the CRC-64/NVME of `content`, or continues from `value`, the checksum of the preceding bytes. */
export function crc64(content: Uint8Array, value = 0n): bigint {
  const { memory, words, fold, remainder } = machine();
  let sum = value ^ ALL;
  for (let start = 0; start < content.length; start += CHUNK_BYTES) {
    const chunk = content.subarray(start, start + CHUNK_BYTES);
    const folded = Math.max(0, Math.floor((chunk.length - FARTHEST) / FOLD_BYTES) * FOLD_BYTES);
    memory.set(chunk.subarray(folded), TAIL);
    if (folded > 0) {
      memory.set(chunk.subarray(0, folded), CHUNK);
      words.setBigUint64(CHUNK, words.getBigUint64(CHUNK, true) ^ sum, true);
      sum = 0n;
      const rest = chunk.length - folded;
      memory.fill(0, CHUNK + folded, CHUNK + folded + rest);
      fold(CHUNK, CHUNK, folded);
      fold(TAIL, CHUNK + folded, rest);
    }
    sum = BigInt.asUintN(64, remainder(TAIL, chunk.length - folded, sum));
  }
  return sum ^ ALL;
}
