import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DEMO_SETTINGS, IDENTITY_BANDS, type Protein, planFamilies } from '../../demo/families.ts';
import { parseMemberships, scoreBands } from '../../demo/score.ts';
import { loadKmer } from '../../workers/src/embed/kmer/kmer-embedder.ts';
import { alignedIdentity } from './support/align.ts';

const SETTINGS = { ...DEMO_SETTINGS, families: 60, proteins: 2400, queries: 60 };

function allMembers(settings: typeof SETTINGS): Protein[] {
  const families = planFamilies(settings);
  const written = new Uint32Array(settings.families);
  return Array.from(families.order, (family) => families.member(family, written[family]!++));
}

describe("the demo's proteins", () => {
  const families = planFamilies(SETTINGS);
  const members = allMembers(SETTINGS);
  const queries = Array.from({ length: SETTINGS.queries }, (_, index) => families.query(index));

  test('are the same on every machine', () => {
    const hash = createHash('sha256');
    for (const { id, sequence, identity } of [...members.slice(0, 200), ...queries])
      hash.update(`${id} ${sequence} ${identity}\n`);
    expect(hash.digest('hex')).toBe('e5881d9445b17e7df01e7ecc7220a49e42fcfbfd24021c512bce8523389534b2');
    expect(allMembers(SETTINGS)).toEqual(members);
    expect(allMembers({ ...SETTINGS, seed: 1 })[0]!.sequence).not.toBe(members[0]!.sequence);
  });

  test('have the requested number, in families of at least 20, of different sizes', () => {
    for (const settings of [SETTINGS, DEMO_SETTINGS]) {
      const { sizes, order } = planFamilies(settings);
      expect(sizes).toHaveLength(settings.families);
      expect(order).toHaveLength(settings.proteins);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(settings.proteins);
      expect(Math.min(...sizes)).toBeGreaterThanOrEqual(20);
      expect(Math.max(...sizes)).toBeGreaterThan(60);
    }
    expect(new Set(members.map(({ id }) => id)).size).toBe(2400);
    const fragments = members.filter(({ fragment }) => fragment).length;
    expect(fragments).toBeGreaterThan(150);
    expect(fragments).toBeLessThan(450);
  });

  test('are 30 to 95% identical to their founder, spread over the whole range', () => {
    const identities = members.map(({ identity }) => identity).sort((a, b) => a - b);
    expect(identities[0]).toBeGreaterThanOrEqual(0.3);
    expect(identities.at(-1)).toBeLessThanOrEqual(0.95);
    for (let tenth = 1; tenth < 10; tenth++) expect(identities[tenth * 240]! - (0.3 + 0.065 * tenth)).toBeCloseTo(0, 1);
  });

  test('have their stated identity, as an alignment confirms', () => {
    const sample = [...members.filter((_, index) => index % 60 === 0), ...queries.slice(0, 20)];
    for (const { id, family, sequence, identity } of sample) {
      const founder = families.founder(Number(family.slice(1)) - 1);
      // An alignment without the true positions gains chance matches where few residues are conserved.
      const slack = identity > 0.5 ? 0.04 : 0.12;
      const found = alignedIdentity(founder, sequence);
      expect(Math.abs(found - identity), `${id}: ${found} for ${identity}`).toBeLessThan(slack);
    }
  });

  test('exclude the queries: none is in the database, whole or in part', () => {
    const all = members.map(({ sequence }) => sequence).join('\n');
    for (const { sequence } of queries) expect(all.includes(sequence)).toBe(false);
    expect(new Set(queries.map(({ family }) => family)).size).toBe(60);
    for (const [index, { identity }] of queries.entries()) {
      const [low, high] = IDENTITY_BANDS[index % IDENTITY_BANDS.length]!;
      expect(identity).toBeGreaterThanOrEqual(low);
      expect(identity).toBeLessThan(high);
    }
  });

  test('share domains: several families have a stretch in common', () => {
    const demo = planFamilies(DEMO_SETTINGS);
    const familiesOfWord = new Map<string, Set<number>>();
    for (let family = 0; family < DEMO_SETTINGS.families; family++) {
      const founder = demo.founder(family);
      for (let at = 0; at + 5 <= founder.length; at++) {
        const word = founder.slice(at, at + 5);
        familiesOfWord.set(word, (familiesOfWord.get(word) ?? new Set()).add(family));
      }
    }
    const commonWords = new Map<string, number>();
    for (const [one, other] of [...familiesOfWord.values()].filter(({ size }) => size === 2).map((set) => [...set]))
      commonWords.set(`${one} ${other}`, (commonWords.get(`${one} ${other}`) ?? 0) + 1);
    // Two common words occur by chance; five do not.
    expect([...commonWords.values()].filter((count) => count >= 5).length).toBeGreaterThan(25);
  });

  test('kmer finds their families, by comparison with every protein', async () => {
    const embedder = loadKmer();
    const database = await embedder.embed(members.map(({ sequence }) => sequence));
    const queryVectors = await embedder.embed(queries.map(({ sequence }) => sequence));
    const neighbours = new Map(
      queries.map(({ id }, row) => {
        const query = queryVectors.subarray(row * 960, (row + 1) * 960);
        const scores = members.map((_, target) => dot(query, database, target * 960));
        const nearest = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!).slice(0, 10);
        return [id, nearest.map((target) => members[target]!.id)];
      }),
    );
    const memberships = new Map([...members, ...queries].map((protein) => [protein.id, protein]));
    const bands = scoreBands(neighbours, memberships, 10);
    expect(bands.map(({ queries: count }) => count)).toEqual([12, 12, 12, 12, 12]);
    const [from30, from40, from50, ...from60] = bands.map(({ all }) => all);
    for (const share of from60) expect(share).toBeGreaterThanOrEqual(0.95);
    expect(from50).toBeGreaterThanOrEqual(0.95);
    expect(from40).toBeGreaterThanOrEqual(0.9);
    expect(from30).toBeGreaterThanOrEqual(0.7);
  });
});

test('missing neighbours count as not of the family', () => {
  const memberships = parseMemberships(
    'id,family,identity,fragment,file\nQ,F1,0.35,false,q\na,F1,0.9,true,x\nb,F2,0.9,false,x\n',
  );
  const [band] = scoreBands(new Map([['Q', ['a', 'b']]]), memberships, 4);
  expect(band).toEqual({ low: 0.3, high: 0.4, queries: 1, first: 1, all: 0.25 });
});

function dot(query: Float32Array, database: Float32Array, start: number): number {
  let sum = 0;
  for (let i = 0; i < query.length; i++) sum += query[i]! * database[start + i]!;
  return sum;
}
