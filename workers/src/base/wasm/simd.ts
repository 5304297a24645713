import { type Code, f32x4, get, i32, set } from './assembler.ts';

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
