import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { embedFiles, surveyFiles } from '../../workers/src/io/embed-files.ts';
import type { Embedder } from '../../workers/src/models/embedder.ts';
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

test('the survey counts what is embedded, and blocks add up to it', async () => {
  const { inputs, output } = await twoFiles();
  const blocks: number[] = [];
  const result = await embedFiles(inputs, LENGTHS, output, `${output}.tmp`, 'float32', (_bytes, residues) =>
    blocks.push(residues),
  );
  const residues = 2 * 3 * ((30 * 31) / 2);
  expect(result).toEqual({ rows: 60, residues });
  expect(await surveyFiles(inputs, LENGTHS, output)).toMatchObject({ residues });
  expect(blocks.reduce((sum, block) => sum + block, 0)).toBe(residues);
  expect(blocks.length).toBeGreaterThan(10);
  expect(Math.max(...blocks)).toBeLessThan(200);
});
