import { type Code, f32, f32x4, get, i32, set } from './assembler.ts';

/** Codes of 8 bits that kernels process in one step: rows, columns and components are padded to a multiple of it. */
export const LANES = 16;
/** The parts of a step that has LANES values of 32 bits: each fills a register. */
export const QUARTERS = [0, 1, 2, 3] as const;
/** 1.5 * 2^23: added to a number below 2^22, it leaves the rounded number in the lowest bits. */
export const ROUNDER = 12582912;

/** Adds a constant or a local's value to a local. */
export const advance = (local: number, by: number | Code): Code =>
  set(local, i32.add(get(local), typeof by === 'number' ? i32.const(by) : by));
export const countDown = (local: number): Code => advance(local, -1);
/** The four float32 of a local. */
export const lanesOf = (local: number): Code[] => QUARTERS.map((lane) => f32x4.lane(get(local), lane));

/**
 * Sums LANES float32 in four locals: adds the upper half to the lower one, until one is left.
 * @param buffer local that `fold` overwrites @returns `sum`, the value after `fold`
 */
export function sumByHalves([s0, s1, s2, s3]: readonly number[], buffer: number): { fold: Code; sum: Code } {
  const fold = set(buffer, f32x4.add(f32x4.add(get(s0!), get(s2!)), f32x4.add(get(s1!), get(s3!))));
  const [a, b, c, d] = lanesOf(buffer) as [Code, Code, Code, Code];
  return { fold, sum: f32.add(f32.add(a, c), f32.add(b, d)) };
}
