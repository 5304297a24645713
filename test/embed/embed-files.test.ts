import { readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { DataError } from '../../workers/src/base/errors.ts';
import { embedFiles, surveyFiles } from '../../workers/src/embed/embed-files.ts';
import type { Embedder } from '../../workers/src/embed/embedder.ts';
import { temporaryFolder } from '../support/run.ts';

const LENGTHS: Embedder = {
  dimension: 1,
  attributes: {},
  blockResidues: 100,
  embed: async (sequences) => Float32Array.from(sequences, ({ length }) => length),
  close: async () => {},
};

async function twoFiles() {
  const folder = await temporaryFolder();
  const inputs = [join(folder, 'a.fa'), join(folder, 'b.fa')];
  for (const [i, path] of inputs.entries())
    await writeFile(path, Array.from({ length: 30 }, (_, j) => `>r${i}_${j}\n${'MKV'.repeat(j + 1)}\n`).join(''));
  return { inputs, output: join(folder, 'o.h5') };
}

test('the survey counts the embedded residues, and blocks add up to them', async () => {
  const { inputs, output } = await twoFiles();
  const blocks: number[] = [];
  const result = await embedFiles(inputs, LENGTHS, output, `${output}.tmp`, 'float32', {}, (_bytes, residues) =>
    blocks.push(residues),
  );
  const residues = 2 * 3 * ((30 * 31) / 2);
  expect(result).toEqual({ rows: 60, residues });
  expect(await surveyFiles(inputs, LENGTHS, output, {})).toMatchObject({ residues });
  expect(blocks.reduce((sum, block) => sum + block, 0)).toBe(residues);
  expect(blocks.length).toBeGreaterThan(10);
  expect(Math.max(...blocks)).toBeLessThan(200);
});

test.each([
  ['float32', Number.NaN, 'has NaN at component 0. Vectors must be finite'],
  ['float32', Number.NEGATIVE_INFINITY, 'has -Infinity at component 0. Vectors must be finite'],
  ['float32', 3e18, 'has length 3.00e+18, too long for distances in float32'],
  ['float16', 70_000, 'has 70000 at component 0, which is infinite in float16. Use --vector-type float32'],
] as const)(
  'a vector that cannot be searched is reported with its sequence, and no file stays (%s, %d)',
  async (...args) => {
    const [vectorType, value, message] = args;
    const { inputs, output } = await twoFiles();
    // The 18th record of the second file, in its second block or later.
    const embed = async (sequences: readonly string[]) =>
      Float32Array.from(sequences, ({ length }) => (length === 3 * 18 && ++seen > 1 ? value : 1));
    let seen = 0;
    const work = embedFiles(inputs, { ...LENGTHS, embed }, output, `${output}.tmp`, vectorType, {}, () => {});
    await expect(work).rejects.toThrow(DataError);
    await expect(work).rejects.toThrow(`${inputs[1]}: record 18 ("r1_17"): the vector of this sequence ${message}`);
    expect((await readdir(dirname(output))).sort()).toEqual(['a.fa', 'b.fa']);
  },
);

test('a vector of zeros is accepted, because only one metric refuses it', async () => {
  const { inputs, output } = await twoFiles();
  const zeros = { ...LENGTHS, embed: async (sequences: readonly string[]) => new Float32Array(sequences.length) };
  expect(await embedFiles(inputs, zeros, output, output, 'float32', {}, () => {})).toMatchObject({ rows: 60 });
});
