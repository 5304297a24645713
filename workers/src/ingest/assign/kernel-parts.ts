import { type Code, f32x4, get, i32, set } from '../../base/wasm/assembler.ts';

/** Row and column counts of codes are padded to a multiple of this. */
export const LANES = 16;
/** Bytes of a row's numbers: the scale of its codes, and its length; both float32. */
export const ROW_BYTES = 8;
/** Bytes of a candidate: its score (float32) and its centroid (int32). */
export const CANDIDATE_BYTES = 8;
/** The centroid of an empty candidate, whose score is -Infinity. */
export const NO_CENTROID = 0x7fff_ffff;
/** Scratch space of `select`: the scores of sixteen columns. */
export const SCORE_BYTES = 4 * LANES;

export const QUARTERS = [0, 1, 2, 3] as const;
export const advance = (local: number, by: number): Code => set(local, i32.add(get(local), i32.const(by)));
export const countDown = (local: number): Code => advance(local, -1);
export const lanesOf = (value: number): Code[] => QUARTERS.map((lane) => f32x4.lane(get(value), lane));
