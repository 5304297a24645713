import { assemble, type Code, get, i32, i64, Locals, loop, set, v128, type WasmFunction } from './assembler.ts';
import { advance } from './simd.ts';

/** Bytes of the tables at the start of the memory, which have, for each byte of a word, the checksums of its 256 values. */
export const TABLE_BYTES = 8 * 256 * 8;
/** `fold` processes multiples of this byte count. */
export const FOLD_BYTES = 64;

/** The functions of the module. Arguments are addresses in its memory, or byte counts. */
export interface Crc64Kernels {
  /** XORs each of `count` bytes at `data` with the bytes that precede the same position of `folded` by the distances. */
  fold(data: number, folded: number, count: number): void;
  /** Returns the remainder of `count` bytes, continued from the remainder `before`. */
  remainder(data: number, count: number, before: bigint): bigint;
}

function fold(distances: readonly number[]): WasmFunction {
  const locals = new Locals('i32', 'i32', 'i32');
  const [data, folded, count] = [0, 1, 2];
  const base = locals.add('i32');
  const end = locals.add('i32');
  const farthest = Math.max(...distances);
  const step = (at: number): Code =>
    v128.store(
      get(data),
      distances.reduce(
        (sum, distance) => v128.xor(sum, v128.load(get(base), farthest - distance + at)),
        v128.load(get(data), at),
      ),
      at,
    );
  const body = [
    ...set(base, i32.sub(get(folded), i32.const(farthest))),
    ...set(end, i32.add(get(data), get(count))),
    ...loop(
      i32.lessUnsigned(get(data), get(end)),
      ...[0, 16, 32, 48].map(step),
      advance(data, FOLD_BYTES),
      advance(base, FOLD_BYTES),
    ),
  ];
  return { name: 'fold', locals, body };
}

/** Processes eight bytes per step, with a table for each; the rest byte by byte. */
function remainder(): WasmFunction {
  const locals = new Locals('i32', 'i32', 'i64');
  const [data, count, sum] = [0, 1, 2];
  const entry = (index: Code, table: number): Code => i64.load(i32.shl(index, i32.const(3)), table * 256 * 8);
  const byteOf = (byte: number): Code =>
    i32.and(i32.fromI64(i64.shiftRight(get(sum), i64.const(8 * byte))), i32.const(0xff));
  const eight = [0, 1, 2, 3, 4, 5, 6, 7].map((byte) => entry(byteOf(byte), 7 - byte)).reduce((a, b) => i64.xor(a, b));
  const one = i64.xor(i64.shiftRight(get(sum), i64.const(8)), entry(i32.xor(byteOf(0), i32.loadByte(get(data))), 0));
  const body = [
    ...loop(
      i32.lessUnsigned(i32.const(7), get(count)),
      set(sum, i64.xor(get(sum), i64.load(get(data)))),
      set(sum, eight),
      advance(data, 8),
      advance(count, -8),
    ),
    ...loop(get(count), set(sum, one), advance(data, 1), advance(count, -1)),
    ...get(sum),
  ];
  return { name: 'remainder', locals, result: 'i64', body };
}

/** Assembles the module. @param distances of the terms of a sparse multiple of the polynomial, in bytes, each at least FOLD_BYTES */
export function crc64Module(distances: readonly number[]): Uint8Array<ArrayBuffer> {
  return assemble([fold(distances), remainder()]);
}
