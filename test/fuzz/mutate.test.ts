import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Dice } from '../../fuzz/dice.ts';
import { schedule } from '../../fuzz/engine/schedule.ts';
import { type Anatomy, mutate } from '../../fuzz/mutate/mutate.ts';

const JSON_TEXT = Buffer.from(JSON.stringify({ version: 1, rows: 12, list: [{ path: 'a', start: 0 }], name: 'x' }));
const header = Buffer.alloc(8);
header.writeBigUInt64LE(BigInt(JSON_TEXT.length));
const FILES: Record<Anatomy, Buffer> = {
  bytes: gzipSync('some text'.repeat(100)),
  text: Buffer.from('>a b\nMKV\n>c\nACD\n'),
  json: JSON_TEXT,
  'json-line': Buffer.concat([JSON_TEXT, Buffer.from('\n\x01\0\0\0\x01\0\0\0a')]),
  safetensors: Buffer.concat([header, JSON_TEXT, Buffer.alloc(64)]),
};

describe.each(Object.entries(FILES) as [Anatomy, Buffer][])('a changed file of %s', (anatomy, valid) => {
  const changed = (seed: number) => mutate(valid, anatomy, new Dice(seed), valid);

  it('differs from the valid file, which does not change', () => {
    const before = Buffer.from(valid);
    for (let seed = 0; seed < 300; seed++) expect(changed(seed).equals(valid)).toBe(false);
    expect(valid).toEqual(before);
  });

  it('is the same for the same seed, and nearly always different for another seed', () => {
    const all = Array.from({ length: 200 }, (_, seed) => changed(seed).toString('base64'));
    for (const [seed, text] of all.entries()) expect(changed(seed).toString('base64')).toBe(text);
    expect(new Set(all).size).toBeGreaterThan(100);
  });
});

it('changed JSON is mostly valid JSON, so that changes reach beyond the parser', () => {
  let valid = 0;
  for (let seed = 0; seed < 300; seed++)
    try {
      JSON.parse(mutate(JSON_TEXT, 'json', new Dice(seed), JSON_TEXT).toString());
      valid++;
    } catch {
      // Not counted as valid.
    }
  expect(valid).toBeGreaterThan(150);
});

it('runs are divided by weight, every format has one, and the first runs cover all formats', () => {
  const formats = [
    { name: 'a', weight: 3 },
    { name: 'b', weight: 1 },
    { name: 'c', weight: 0.001 },
  ];
  const turns = schedule(formats, 400);
  const count = (name: string) => turns.filter(({ format }) => format === name).length;
  expect([count('a'), count('b'), count('c')]).toEqual([300, 100, 1]);
  expect(new Set(turns.map(({ format, run }) => `${format} ${run}`)).size).toBe(turns.length);
  expect(new Set(turns.slice(0, turns.length / 2 + 1).map(({ format }) => format)).size).toBe(3);
});
