import { LANES } from '../../base/wasm/simd.ts';

/** Bytes of a row's numbers: the scale of its codes, and its length; both float32. */
export const ROW_BYTES = 8;
/** Bytes of a candidate: its score (float32) and its centroid (int32). */
export const CANDIDATE_BYTES = 8;
/** The centroid of an empty candidate, whose score is -Infinity. */
export const NO_CENTROID = 0x7fff_ffff;
/** Scratch space of `select`: the scores of sixteen columns. */
export const SCORE_BYTES = 4 * LANES;
