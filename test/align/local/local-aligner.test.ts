import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LocalAligner } from '../../../workers/src/align/local/local-aligner.ts';
import { encodeResidues } from '../../../workers/src/align/local/residues.ts';
import type { LocalAlignment } from '../../../workers/src/align/local/trace-back.ts';
import { seededRandom } from '../../../workers/src/base/random.ts';
import { missingPython, python, temporaryFolder } from '../../support/run.ts';

const encode = (text: string) => encodeResidues(Buffer.from(text));

/** Aligns one pair. */
function alignPair(query: string, target: string): LocalAlignment {
  const aligner = new LocalAligner();
  aligner.setQuery(encode(query));
  return aligner.align([encode(target)])[0]!;
}

const score = (query: string, target: string) => {
  const aligner = new LocalAligner();
  aligner.setQuery(encode(query));
  return aligner.score([encode(target)])[0]!;
};

interface Pair extends LocalAlignment {
  query: string;
  target: string;
}

/** Aligns each query with its targets, in both kernels. */
function alignAll(
  requests: readonly { query: string; targets: readonly string[] }[],
  aligner = new LocalAligner(),
): Pair[] {
  return requests.flatMap(({ query, targets }) => {
    const encoded = targets.map(encode);
    aligner.setQuery(encode(query));
    const scores = aligner.score(encoded);
    return aligner.align(encoded).map((alignment, i) => {
      expect(alignment.score).toBe(scores[i]);
      return { query, target: targets[i]!, ...alignment };
    });
  });
}

/** The letters of the matrix of Biopython and parasail. */
const LETTERS = 'ARNDCQEGHILKMFPSTWYVBZX*';
const COMMON = LETTERS.slice(0, 20);

/** Sequences of random letters, repeats of a motif, and mutated copies of other sequences with gaps. */
function randomRequests(count: number, targetsEach: number): { query: string; targets: string[] }[] {
  const random = seededRandom(20261129);
  const below = (limit: number) => Math.floor(random() * limit);
  const letters = (length: number, from: string) => Array.from({ length }, () => from[below(from.length)]!).join('');
  const mutated = (text: string) => {
    const rate = 0.05 + 0.5 * random();
    return [...text]
      .flatMap((letter) => {
        const chance = random();
        if (chance < rate * 0.1) return [];
        if (chance < rate * 0.2) return [letter, ...letters(1 + below(12), COMMON)];
        return chance < rate ? [letters(1, LETTERS)] : [letter];
      })
      .join('');
  };
  const kinds = [
    () => letters(1 + below(120), COMMON),
    () => letters(1 + below(60), LETTERS),
    () => letters(1 + below(8), COMMON).repeat(1 + below(15)),
    () => letters(1 + below(90), 'WC'),
  ];
  return Array.from({ length: count }, () => {
    const query = kinds[below(kinds.length)]!();
    const target = () =>
      below(2) === 0 ? `${letters(below(20), COMMON)}${mutated(query)}` || 'A' : kinds[below(kinds.length)]!();
    return { query, targets: Array.from({ length: targetsEach }, target) };
  });
}

async function realProteins(): Promise<string[]> {
  const text = await readFile(join(import.meta.dirname, 'proteins.fasta'), 'utf8');
  return text
    .split('>')
    .slice(1)
    .map((record) => record.split('\n').slice(1).join(''));
}

/**
 * Compares with parasail's and Biopython's scores, and with the alignments of Biopython that have the best score: ours must be one of them. Of
 * pairs with many, the first are compared, and the rest only counted.
 */
const CHECK = `
import sys, json, itertools, parasail
from Bio import Align
aligner = Align.PairwiseAligner(mode='local', substitution_matrix=Align.substitution_matrices.load('BLOSUM62'))
aligner.open_gap_score, aligner.extend_gap_score = -12, -1
wrong, found, many = [], 0, 0
def facts(alignment):
    (q, t) = alignment.coordinates.tolist()
    identical = columns = 0
    for a, b, c, d in zip(q, q[1:], t, t[1:]):
        columns += max(b - a, d - c)
        if b - a == d - c: identical += sum(x == y for x, y in zip(query[a:b], target[c:d]))
    return [q[0], q[-1], t[0], t[-1], identical, columns]
for line in open(sys.argv[1]):
    query, target, score, *ours = line.split()
    score, ours = int(score), [int(x) for x in ours]
    theirs = parasail.sw_striped_sat(query, target, 12, 1, parasail.blosum62).score, aligner.score(query, target)
    if theirs != (score, score): wrong.append([query, target, score, theirs])
    if score == 0 or len(query) * len(target) > int(sys.argv[2]): continue
    all = list(itertools.islice(aligner.align(query, target), 200))
    if ours in map(facts, all): found += 1
    elif len(all) == 200: many += 1
    else: wrong.append([query, target, score, ours, [facts(x) for x in all]])
print(json.dumps({'wrong': wrong[:3], 'found': found, 'many': many}))`;

async function compare(pairs: readonly Pair[], mostCells: number) {
  const path = join(await temporaryFolder(), 'pairs');
  const lines = pairs.map(({ query, target, ...a }) =>
    [query, target, a.score, a.queryStart, a.queryEnd, a.targetStart, a.targetEnd, a.identical, a.columns].join(' '),
  );
  await writeFile(path, lines.join('\n'));
  return python<{ wrong: unknown[]; found: number; many: number }>(CHECK, path, `${mostCells}`);
}

describe.skipIf(missingPython())('local alignment against parasail and Biopython', () => {
  it('agrees on random, repeated and mutated sequences', async () => {
    const pairs = alignAll(randomRequests(840, 10));
    const { wrong, found, many } = await compare(pairs, 4000);
    expect(wrong).toEqual([]);
    expect(pairs.filter(({ score }) => score > 255).length).toBeGreaterThan(500);
    expect(found).toBeGreaterThan(4000);
    expect(many).toBeLessThan(found / 5);
  });

  it('agrees on real proteins', async () => {
    const proteins = await realProteins();
    const pairs = alignAll(proteins.map((query) => ({ query, targets: proteins })));
    const { wrong } = await compare(pairs, 20_000);
    expect(pairs.length).toBe(1600);
    expect(wrong).toEqual([]);
  });
});

describe('local alignment', () => {
  it('has the scores of parasail for real proteins', async () => {
    const proteins = await realProteins();
    // sw_striped_sat of parasail, for all pairs in their order.
    const text = await readFile(join(import.meta.dirname, 'proteins-scores.txt'), 'utf8');
    const expected = text.trim().split(/\s+/).map(Number);
    const found = alignAll(proteins.map((query) => ({ query, targets: proteins })));
    expect(found.map((pair) => pair.score)).toEqual(expected);
  });

  it('has numbers that follow from the alignment alone', () => {
    // HEA and HEA: 8 + 5 + 4. AWGHE and AW-HE score one less.
    expect(alignPair('HEAGAWGHEE', 'PAWHEAE')).toEqual({
      ...{ score: 17, queryStart: 0, queryEnd: 3, targetStart: 3, targetEnd: 6, identical: 3, columns: 3 },
    });
    expect(alignPair('WWWWGWWWW', 'WWWWWWWW')).toMatchObject({ score: 88 - 12, identical: 8, columns: 9 });
    expect(alignPair('WWWWGGGWWWW', 'WWWWWWWW')).toMatchObject({ score: 88 - 14, identical: 8, columns: 11 });
  });

  it('is empty where no pair scores above zero', () => {
    const empty = Object.fromEntries(Object.keys(alignPair('W', 'W')).map((name) => [name, 0]));
    for (const [query, target] of [
      ['W', 'P'],
      ['', 'W'],
      ['W', ''],
      ['', ''],
      ['-', '.'],
    ] as const) {
      expect(alignPair(query, target)).toEqual(empty);
      expect(score(query, target)).toBe(0);
    }
    expect(new LocalAligner().align([])).toEqual([]);
  });

  it('takes the first end in the target, then in the query, and the latest start', () => {
    expect(alignPair('WWW', 'PWWWPPPPPPPPWWW')).toMatchObject({ targetStart: 1, targetEnd: 4 });
    expect(alignPair('PWWWPPPPPPPPWWW', 'WWW')).toMatchObject({ queryStart: 1, queryEnd: 4 });
    // A and S score 1, A and P -1: a start one pair earlier would have the same score.
    expect(alignPair('AAWW', 'SPWW')).toMatchObject({ score: 22, queryStart: 2, targetStart: 2, columns: 2 });
  });

  it('knows the letters that the matrix lacks, as NCBI does', () => {
    const context = (letter: string) => `WWWW${letter}WWWW`;
    for (const letter of LETTERS) {
      expect(score(context('U'), context(letter)), letter).toBe(score(context('C'), context(letter)));
      expect(score(context('O'), context(letter)), letter).toBe(score(context('X'), context(letter)));
    }
    expect(score('J', 'I')).toBe(3);
    expect(score('J', 'L')).toBe(3);
    expect(alignPair('WUW', 'WCW')).toMatchObject({ identical: 2, columns: 3 });
    expect(alignPair('WXW', 'WXW')).toMatchObject({ identical: 3, columns: 3 });
  });

  it('reads lower case as upper case, and no gaps or unknown letters', () => {
    expect(alignPair('mvlspadk', 'MVLSPADK')).toEqual(alignPair('MVLSPADK', 'MVLSPADK'));
    expect(alignPair('MV--LS.PADK', 'MVL SPADK\n')).toEqual(alignPair('MVLSPADK', 'MVLSPADK'));
    expect(score('WW?WW', 'WWéWW'.normalize())).toBe(score('WWXWW', 'WWXXWW'));
  });

  it('computes scores above the limits of 8 and 16 bits', () => {
    for (const length of [23, 24, 5957, 5958]) {
      const query = 'W'.repeat(length);
      const expected = { score: 11 * length, queryEnd: length, targetEnd: length, identical: length, columns: length };
      expect(alignPair(query, query)).toMatchObject(expected);
      expect(score(query, query)).toBe(11 * length);
    }
  });

  it('finds the same alignment where paths are carried along as where they are followed back', () => {
    const requests = randomRequests(120, 20);
    expect(alignAll(requests, new LocalAligner(0))).toEqual(alignAll(requests));
  });

  it('counts positions of very long sequences', () => {
    const random = seededRandom(7);
    const letters = (length: number) =>
      Array.from({ length }, () => COMMON[Math.floor(random() * COMMON.length)]).join('');
    const motif = letters(60);
    const long = `${letters(70_000)}${motif}${letters(500)}`;
    const at = { score: score(motif, motif), identical: 60, columns: 60 };
    expect(alignPair(motif, long)).toMatchObject({ ...at, targetStart: 70_000, targetEnd: 70_060, queryStart: 0 });
    expect(alignPair(long, motif)).toMatchObject({ ...at, queryStart: 70_000, queryEnd: 70_060, targetStart: 0 });
  });

  it('does not depend on the other targets, nor on what it aligned before', () => {
    const requests = randomRequests(6, 40);
    const together = alignAll(requests);
    const alone = requests
      .flatMap(({ query, targets }) => targets.map((target) => ({ query, targets: [target] })))
      .toReversed();
    expect(alignAll(alone).toReversed()).toEqual(together);
  });

  it('has the same score in both directions', () => {
    const pairs = alignAll(randomRequests(20, 10));
    const turned = alignAll(pairs.map(({ query, target }) => ({ query: target, targets: [query] })));
    expect(turned.map((pair) => pair.score)).toEqual(pairs.map((pair) => pair.score));
  });
});
