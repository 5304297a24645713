import { type Code, get, i8x16, i16x8, i32, i32x4, Locals, loop, set, v128 } from '../../base/wasm/assembler.ts';
import { advance } from '../../base/wasm/simd.ts';
import { MATRIX_COLUMNS, RESIDUE_CODES } from './residues.ts';

/**
 * Local alignment with affine gaps (Smith-Waterman, in the form of Gotoh) of one query with several targets, one in each lane of a register (as
 * in SWIPE, https://doi.org/10.1186/1471-2105-12-221). Cells are computed column by column; a column is a position of the targets.
 *
 *   H = max(0, H of the diagonal + score, E, F)   E, F = max(H - GAP_OPEN, E or F - GAP_EXTEND) of the cell to the left, or above
 *
 * Scores of 8 and 16 bits are stored minus 2^7 and 2^15: additions saturate at zero, and at a largest score that the caller recognizes.
 */

/** Cost of the first residue of a gap: 11 to open it and 1 to extend it, as NCBI counts. */
export const GAP_OPEN = 12;
export const GAP_EXTEND = 1;

/** Bytes of a column of targets, whatever the lane's width: a code of a residue for each of up to 16 lanes. */
export const COLUMN_BYTES = 16;
/** Columns that `score` computes at once; the caller pads the targets to a multiple of it. */
export const COLUMNS_AT_ONCE = 2;

/** The start of the memory: scores of pairs of codes, then of the codes and the current columns. */
export const MATRIX_AT = 0;
export const PROFILE_AT = MATRIX_AT + RESIDUE_CODES * MATRIX_COLUMNS;
/** Bytes of a code in the profile. */
export const PROFILE_BYTES = 2 * COLUMN_BYTES;
export const FREE_AT = PROFILE_AT + RESIDUE_CODES * PROFILE_BYTES;

/** Numbers that `trace` returns of each lane, a register each. Positions count from 0; ends are exclusive. */
export const TRACE_NUMBERS = [
  'score',
  'queryEnd',
  'targetEnd',
  'queryStart',
  'targetStart',
  'identical',
  'columns',
] as const;
/** Numbers of a path: where it starts, its pairs of equal residues, and its columns. */
export const PATH_NUMBERS = 4;

export type LaneBits = 8 | 16 | 32;
/** Largest score of a lane; a lane that has it may have overflowed. */
export const LARGEST_SCORE: Record<LaneBits, number> = { 8: 2 ** 8 - 1, 16: 2 ** 16 - 1, 32: 2 ** 31 - 1 };
/** What is stored for a score of zero. */
export const STORED_ZERO: Record<LaneBits, number> = { 8: -(2 ** 7), 16: -(2 ** 15), 32: 0 };
/** Bytes of the state of one row, a residue of the query. */
export const SCORE_ROW_BYTES = 2 * 16;
export const TRACE_ROW_BYTES = (2 + 2 * PATH_NUMBERS) * 16;

/** Arithmetic of lanes. */
export interface Lanes {
  bits: LaneBits;
  splat(value: Code): Code;
  /** Adds scores; not below zero with 8 and 16 bits. */
  add(a: Code, b: Code): Code;
  sub(a: Code, b: Code): Code;
  /** Adds numbers that are not scores. */
  plainAdd(a: Code, b: Code): Code;
  plainSub(a: Code, b: Code): Code;
  max(a: Code, b: Code): Code;
  equal(a: Code, b: Code): Code;
  greater(a: Code, b: Code): Code;
  /** Loads the lowest int8 of an address, one a lane. */
  loadBytes(address: Code, offset: number): Code;
}

export const LANES_16: Lanes = {
  bits: 16,
  splat: i16x8.splat,
  add: i16x8.addSaturated,
  sub: i16x8.subSaturated,
  plainAdd: i16x8.add,
  plainSub: i16x8.sub,
  max: i16x8.max,
  equal: i16x8.equal,
  greater: i16x8.greater,
  loadBytes: v128.loadBytesAsInt16,
};
export const LANES_32: Lanes = {
  bits: 32,
  splat: i32x4.splat,
  add: i32x4.add,
  sub: i32x4.sub,
  plainAdd: i32x4.add,
  plainSub: i32x4.sub,
  max: i32x4.max,
  equal: i32x4.equal,
  greater: i32x4.greater,
  loadBytes: (address, offset) => i32x4.extendLow(i16x8.extendLow(v128.loadLowest(address, offset))),
};
export const LANES_8: Lanes = {
  bits: 8,
  splat: i8x16.splat,
  add: i8x16.addSaturated,
  sub: i8x16.subSaturated,
  plainAdd: i8x16.add,
  plainSub: i8x16.sub,
  max: i8x16.max,
  equal: i8x16.equal,
  greater: i8x16.greater,
  loadBytes: v128.load,
};

/** Locals and steps that both kernels have. */
export function kernelFrame(lanes: Lanes) {
  const locals = new Locals('i32', 'i32', 'i32', 'i32', 'i32', 'i32');
  const [query, queryEnd, targets, targetsEnd, state, into] = [0, 1, 2, 3, 4, 5];
  const vector = () => locals.add('v128');
  const [row, at] = [locals.add('i32'), locals.add('i32')];
  const [zero, open, extend] = [vector(), vector(), vector()];
  const constants: Code = [
    ...set(zero, lanes.splat(i32.const(STORED_ZERO[lanes.bits]))),
    ...set(open, lanes.splat(i32.const(GAP_OPEN))),
    ...set(extend, lanes.splat(i32.const(GAP_EXTEND))),
  ];
  /** Runs `body` for each residue of the query, with the address of its state in `at`. */
  const eachRow = (rowBytes: number, ...body: Code[]): Code => [
    ...set(row, get(query)),
    ...set(at, get(state)),
    ...loop(i32.lessUnsigned(get(row), get(queryEnd)), ...body, advance(at, rowBytes), advance(row, 4)),
  ];
  const eachColumn = (columns: number, ...body: Code[]): Code =>
    loop(i32.lessUnsigned(get(targets), get(targetsEnd)), ...body, advance(targets, columns * COLUMN_BYTES));
  /** Runs `body` for each code of a residue, with its row of the matrix in `row` and of the profile in `at`. */
  const eachCode = (...body: Code[]): Code => [
    ...set(row, i32.const(MATRIX_AT)),
    ...set(at, i32.const(PROFILE_AT)),
    ...loop(
      i32.lessUnsigned(get(row), i32.const(PROFILE_AT)),
      ...body,
      advance(row, MATRIX_COLUMNS),
      advance(at, PROFILE_BYTES),
    ),
  ];
  const [low, high] = [vector(), vector()];
  /** Sets `low` and `high` to the codes of a column as positions in the two halves of a row of the matrix. */
  const readColumn = (column: number): Code => [
    ...set(low, v128.load(get(targets), column * COLUMN_BYTES)),
    ...set(high, i8x16.sub(get(low), i8x16.splat(i32.const(16)))),
  ];
  const scores = v128.or(
    i8x16.swizzle(v128.load(get(row)), get(low)),
    i8x16.swizzle(v128.load(get(row), 16), get(high)),
  );
  const floored = (score: Code): Code => (lanes.bits === 32 ? lanes.max(score, get(zero)) : score);
  const profile = i32.load(get(row));
  return {
    locals,
    vector,
    row,
    at,
    into,
    zero,
    open,
    extend,
    low,
    constants,
    eachRow,
    eachColumn,
    eachCode,
    readColumn,
    scores,
    floored,
    profile,
  };
}
