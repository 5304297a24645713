import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createKmerEmbed, KMER_VERSION } from '../../../workers/src/embed/kmer/kmer.ts';
import {
  BACKGROUND_PERCENT,
  CONSERVATION,
  RESIDUE_MODES,
  RESIDUES,
} from '../../../workers/src/embed/kmer/kmer-modes.ts';
import { KMER_DIMENSION } from '../../../workers/src/embed/kmer/kmer-tables.ts';

const embed = createKmerEmbed();

function vectorOf(sequence: string): Float32Array {
  const vector = new Float32Array(KMER_DIMENSION).fill(Number.NaN);
  embed(sequence, vector);
  return vector;
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, component, at) => sum + component * b[at]!, 0);
}

const UBIQUITIN = 'MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG';
/** Human NEDD8: 58% identical to ubiquitin. */
const NEDD8 = 'MLIKVKTLTGKEIEIDIEPTDKVERIKERVEEKEGIPPQQQRLIYSGKQMNDEKTAADYKILGGSVLHLVLALRGG';
/** Hen egg-white lysozyme: not related to ubiquitin. */
const LYSOZYME =
  'KVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAKFESNFNTQATNRNTDGSTDYGILQINSRWWCNDGRTPGSRNLCNIPCSALLSSDITASVNCAKKIVSDGNGMNAWVAWRNRCKGTDVQAWIRGCRL';

const letters = [...'ACDEFGHIKLMNPQRSTVWYXBZJUO*'];
const anySequence = fc
  .array(fc.constantFrom(...letters), { minLength: 1, maxLength: 80 })
  .map((parts) => parts.join(''));

describe('the kmer embedding', () => {
  test('has the digests of its version: change KMER_VERSION together with them', () => {
    const long = UBIQUITIN.repeat(40) + LYSOZYME;
    const hash = createHash('sha256');
    for (const sequence of [UBIQUITIN, NEDD8, LYSOZYME, long, 'A', 'X', 'MBZJUOX*K'])
      hash.update(new Uint8Array(vectorOf(sequence).buffer));
    expect([KMER_VERSION, hash.digest('hex')]).toEqual([
      'kmer-1',
      '67164d70dc34f8a7d3e29a1610e6ad5ecbebbc965637d51be6514bd92daebce0',
    ]);
  });

  test('is a unit vector for any sequence, never zero', () => {
    fc.assert(
      fc.property(anySequence, (sequence) => {
        const vector = vectorOf(sequence);
        expect(dot(vector, vector)).toBeCloseTo(1, 5);
      }),
    );
    for (const sequence of ['X', 'XXXX', '*', '-', '.', 'A', 'W', 'AX', '-A-'])
      expect(dot(vectorOf(sequence), vectorOf(sequence)), sequence).toBeCloseTo(1, 5);
  });

  test('does not depend on earlier sequences', () => {
    const first = vectorOf(UBIQUITIN);
    vectorOf(LYSOZYME.repeat(100));
    expect(vectorOf(UBIQUITIN)).toEqual(first);
  });

  test('places homologs near, and unrelated proteins far', () => {
    expect(dot(vectorOf(UBIQUITIN), vectorOf(NEDD8))).toBeGreaterThan(0.4);
    expect(Math.abs(dot(vectorOf(UBIQUITIN), vectorOf(LYSOZYME)))).toBeLessThan(0.15);
  });

  test('finds a fragment from the middle and a rearranged protein', () => {
    const half = LYSOZYME.length / 2;
    const middle = LYSOZYME.slice(half / 2, half / 2 + half);
    const swapped = LYSOZYME.slice(half) + LYSOZYME.slice(0, half);
    expect(dot(vectorOf(LYSOZYME), vectorOf(middle))).toBeGreaterThan(0.3);
    expect(dot(vectorOf(LYSOZYME), vectorOf(swapped))).toBeGreaterThan(0.5);
  });

  test('embeds aligned and unaligned sequences equally, and rare residues like those from which they derive', () => {
    const aligned = `--${UBIQUITIN.slice(0, 30)}..---${UBIQUITIN.slice(30)}-`;
    expect(vectorOf(aligned)).toEqual(vectorOf(UBIQUITIN));
    expect(vectorOf(UBIQUITIN.replaceAll('K', 'O'))).toEqual(vectorOf(UBIQUITIN));
  });
});

describe('the modes of residues', () => {
  const share = BACKGROUND_PERCENT.map((percent) => percent / BACKGROUND_PERCENT.reduce((a, b) => a + b));

  test('are orthonormal under the background and have mean 0', () => {
    for (let k = 0; k < 19; k++) {
      expect(share.reduce((sum, p, a) => sum + p * RESIDUE_MODES[a]![k]!, 0)).toBeCloseTo(0, 3);
      for (let m = 0; m < 19; m++) {
        const product = share.reduce((sum, p, a) => sum + p * RESIDUE_MODES[a]![k]! * RESIDUE_MODES[a]![m]!, 0);
        expect(product).toBeCloseTo(k === m ? 1 : 0, 3);
      }
    }
  });

  test('reproduce BLOSUM62', () => {
    const score = (a: string, b: string) => {
      const [modesA, modesB] = [a, b].map((letter) => RESIDUE_MODES[RESIDUES.indexOf(letter)]!);
      const odds = CONSERVATION.reduce((sum, kept, k) => sum + kept * modesA![k]! * modesB![k]!, 1);
      return 2 * Math.log2(odds);
    };
    const expected: Array<[string, number]> = [
      ['AA', 4],
      ['WW', 11],
      ['CC', 9],
      ['IV', 3],
      ['KR', 2],
      ['DE', 2],
      ['FY', 3],
      ['LD', -4],
      ['GI', -4],
      ['ST', 1],
      ['HY', 2],
      ['WG', -2],
    ];
    // Balancing the frequencies to the background moves the scores by less than a rounding step.
    for (const [[a, b], blosum62] of expected.map(([pair, s]) => [[...pair], s] as const))
      expect(Math.abs(score(a!, b!) - blosum62), `${a}${b}`).toBeLessThan(0.75);
  });
});
