import { describe, expect, it } from 'vitest';
import { alignQuery, RANKS } from '../../workers/src/align/align-query.ts';
import { LocalAligner } from '../../workers/src/align/local/local-aligner.ts';
import { encodeResidues } from '../../workers/src/align/local/residues.ts';
import { seededRandom } from '../../workers/src/base/random.ts';

const aligner = new LocalAligner();
const random = seededRandom(3);
const letters = (length: number) =>
  encodeResidues(Buffer.from(Array.from({ length }, () => 'ARNDCQEGHILKMFPSTWYV'[Math.floor(random() * 20)]).join('')));

/** Targets that share more and more with the query, then some of unknown sequence, and equal ones. */
function makeTargets(query: Uint8Array) {
  const shared = [0, 30, 10, 60, 30, 5].map((length) => Uint8Array.from([...letters(20), ...query.slice(0, length)]));
  return [shared[0]!, shared[1]!, undefined, ...shared.slice(2), shared[3]!, undefined, shared[3]!];
}

describe('alignQuery', () => {
  const query = letters(80);
  const targets = makeTargets(query);
  const scoreOf = (position: number) => {
    const target = targets[position];
    aligner.setQuery(query);
    return target === undefined ? 0 : aligner.score([target])[0]!;
  };

  it('keeps the order of distances, and aligns the first candidates', () => {
    const ranked = alignQuery(aligner, query, targets, { candidates: 5, k: 7, rank: 'distance' });
    expect(ranked.map(({ position }) => position)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    for (const { position, alignment } of ranked)
      expect(alignment?.score).toBe(position < 5 && targets[position] ? scoreOf(position) : undefined);
  });

  it('orders by score, equal scores by distance, and others after them', () => {
    const ranked = alignQuery(aligner, query, targets, { candidates: 9, k: 100, rank: 'alignment' });
    const expected = [...targets.keys()].sort((a, b) => {
      const [scoreA, scoreB] = [a, b].map((position) => (position < 9 ? scoreOf(position) : 0)) as [number, number];
      return scoreB - scoreA || a - b;
    });
    expect(ranked.map(({ position }) => position)).toEqual(expected);
    expect(ranked.slice(0, 2).map(({ position }) => position)).toEqual([4, 7]);
    expect(ranked.filter(({ alignment }) => alignment === undefined).map(({ position }) => position)).toEqual([
      2, 8, 9,
    ]);
  });

  it('has a shorter answer that begins a longer one', () => {
    for (const rank of RANKS) {
      const all = alignQuery(aligner, query, targets, { candidates: 6, k: 100, rank });
      for (const k of [1, 4, 9])
        expect(alignQuery(aligner, query, targets, { candidates: 6, k, rank })).toEqual(all.slice(0, k));
    }
  });

  it('accepts no targets, and sequences without residues', () => {
    for (const rank of RANKS) {
      expect(alignQuery(aligner, query, [], { candidates: 6, k: 10, rank })).toEqual([]);
      const empty = new Uint8Array(0);
      const none = [{ position: 0, alignment: undefined }];
      expect(alignQuery(aligner, query, [empty], { candidates: 6, k: 10, rank })).toEqual(none);
      expect(alignQuery(aligner, empty, [query], { candidates: 6, k: 10, rank })).toEqual(none);
    }
  });
});
