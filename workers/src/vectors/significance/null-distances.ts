import * as z from 'zod/mini';
import { AMOUNT, COUNT, textWhere } from '../../base/text/document.ts';
import type { Covariance } from './covariance.ts';
import type { Tail } from './tail.ts';

const BASE64 = textWhere((text) => /^[A-Za-z0-9+/]*={0,2}$/.test(text), 'a text in base64');
const NUMBER = z.number('a number');
const POSITIVE = z.number('a number above 0').check(z.gt(0, 'a number above 0'));

/** How far a bucket's vectors are from unrelated ones, as its catalog entry keeps it. Format: docs/formats.md. */
export type NullDistances = z.infer<typeof NULL_DISTANCES>;
export const NULL_DISTANCES = z.object({
  /** Sampled rows; 0 where the bucket has too few for a null distribution. */
  sampledRows: COUNT,
  /** Mean of the rows' features: float32 [F], base64. */
  mean: BASE64,
  /** Their covariance, `Covariance.factors`: int8 [number of scales, F], base64. A value is scale * int8. */
  factors: BASE64,
  scales: z.array(AMOUNT),
  tail: z.object({ start: NUMBER, share: AMOUNT, scale: AMOUNT, shape: POSITIVE }),
  /** Distances of the sampled pairs: equal bins between `from` and `to`. */
  histogram: z.object({ from: NUMBER, to: NUMBER, counts: z.array(COUNT) }),
});

export type NullHistogram = NullDistances['histogram'];

/** The null distribution of a bucket, to compute with. */
export interface NullModel {
  rows: Covariance;
  tail: Tail;
}

/** Encodes the null distribution of a bucket. */
export function encodeNulls(
  { rows: { mean, factors }, tail }: NullModel,
  sampledRows: number,
  histogram: NullHistogram,
): NullDistances {
  const features = mean.length;
  const scales: number[] = [];
  const codes = new Int8Array(factors.length);
  for (let at = 0; at < factors.length; at += features) {
    const row = factors.subarray(at, at + features);
    const scale = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
    scales.push(scale);
    if (scale > 0) for (const [i, value] of row.entries()) codes[at + i] = Math.round(value / scale);
  }
  return { sampledRows, mean: toBase64(mean), factors: toBase64(codes), scales, tail, histogram };
}

/** Decodes a null distribution. @throws RangeError unless it has this number of features */
export function decodeNulls({ mean, factors, scales, tail }: NullDistances, features: number): NullModel {
  const codes = new Int8Array(fromBase64(factors));
  if (codes.length !== scales.length * features || scales.length === 0)
    throw new RangeError(`${codes.length} factors of ${features} features, for ${scales.length} scales`);
  const meanBytes = fromBase64(mean);
  if (meanBytes.byteLength !== 4 * features) throw new RangeError(`a mean of ${meanBytes.byteLength} bytes`);
  const values = Float32Array.from(codes, (code, at) => code * scales[Math.floor(at / features)]!);
  return { rows: { mean: new Float32Array(meanBytes), factors: values }, tail };
}

/** Returns whether the lengths in a null distribution agree with the number of features. */
export function hasFeatures({ mean, factors, scales }: NullDistances, features: number): boolean {
  const bytes = (text: string) => Buffer.byteLength(text, 'base64');
  return scales.length > 0 && bytes(mean) === 4 * features && bytes(factors) === scales.length * features;
}

function toBase64({ buffer, byteOffset, byteLength }: Float32Array | Int8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

function fromBase64(text: string): ArrayBuffer {
  return Uint8Array.from(Buffer.from(text, 'base64')).buffer;
}
