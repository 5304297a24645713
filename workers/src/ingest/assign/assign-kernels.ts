import { assemble } from '../../base/wasm/assembler.ts';
import { encode, gather, scaleDots } from './encode-kernels.ts';
import { rescore } from './rescore-kernel.ts';
import { insert, near, select } from './select-kernels.ts';

/** What runs in WebAssembly. Arguments are addresses in its memory, or counts. */
export interface AssignKernels {
  /**
   * Rounds rows less `mean` to codes of 8 bits, 128 for zero. Each row has a scale of its own: its codes depend on nothing else.
   * @param rows float32 [count, width], overwritten by the centred rows @param unit 1: rows are scaled to unit length first
   * @param codes uint8 [count, width] @param numbers ROW_BYTES each
   */
  encode(rows: number, count: number, width: number, mean: number, unit: number, codes: number, numbers: number): void;
  /** Copies the codes of rows. @param rowIds int32 [count] @param into uint8 [count, width] */
  gather(codes: number, rowIds: number, count: number, width: number, into: number): void;
  /**
   * Puts the best columns into the candidates of rows, by score and then by centroid. The score of a column is
   * dot * its scale * the row's scale + its bias.
   * @param dots int32 [count, columns] @param rowIds int32 [count]: which rows these are
   * @param terms of the columns: scales, biases, centroids [3, columns] @param candidates `kept` for each row, best first
   * @param scratch SCORE_BYTES
   */
  select(
    dots: number,
    rowIds: number,
    count: number,
    columns: number,
    terms: number,
    numbers: number,
    candidates: number,
    kept: number,
    scratch: number,
  ): void;
  /**
   * Emits the columns whose score is within slack * (row length + base) of the row's best candidate.
   * @param candidates one for each row @param into uint32: row * columns + column @returns their count
   */
  near(
    dots: number,
    count: number,
    columns: number,
    terms: number,
    numbers: number,
    candidates: number,
    slack: number,
    base: number,
    into: number,
  ): number;
  /** Multiplies products by the scales of rows and columns. @param scales float32 [columns] @param into float32 [count, columns] */
  scaleDots(dots: number, count: number, columns: number, scales: number, numbers: number, into: number): void;
  /**
   * Scores the candidates of rows by all components, and puts the best one first.
   * @param codes uint8 [count, width] @param candidates `kept` for each row
   * @param centroids int8 [centroids, width] @param terms of the centroids: scales, biases [2, centroids] @param total of centroids
   */
  rescore(
    codes: number,
    count: number,
    width: number,
    numbers: number,
    candidates: number,
    kept: number,
    centroids: number,
    terms: number,
    total: number,
  ): void;
}

export function assignKernelModule(): Uint8Array<ArrayBuffer> {
  return assemble([encode(), gather(), insert(), select(2), near(), scaleDots(), rescore()]);
}
