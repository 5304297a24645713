import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { lanceflow, lanceflowJson, temporaryFolder } from '../support/run.ts';

const FILES = {
  'good.fa': '>a\nMKT\n>stop\n*\n>b\nACD\n',
  'bin,1.faa': '',
  'bin2.faa.gz': gzipSync('\n'),
  'stop.fa': '>x\n*\n',
};
const INPUTS = ['good.fa', 'bin,1.faa', 'bin2.faa.gz'];

async function prepared() {
  const cwd = await temporaryFolder();
  for (const [name, content] of Object.entries(FILES)) await writeFile(join(cwd, name), content);
  const embed = (inputs: readonly string[], ...more: string[]) => [
    'embed-sequences',
    '--model',
    'kmer',
    '--output',
    `${inputs[0]}.h5`,
    '--input',
    ...inputs,
    ...more,
  ];
  const refused = async (args: readonly string[]) => {
    const { code, stderr } = await lanceflow(args, { cwd });
    expect(code).toBe(65);
    return stderr;
  };
  return { cwd, embed, refused };
}

test('records and files without residues are skipped, counted and listed', async () => {
  const { cwd, embed } = await prepared();
  const report = await lanceflowJson(embed(INPUTS, '--skipped', 'skipped.csv'), { cwd });
  expect(report).toMatchObject({ rows: 2, residues: 6, skippedRecords: 1, skippedFiles: 2 });
  expect(await readFile(join(cwd, 'skipped.csv'), 'utf8')).toBe(
    'file,record,id,reason\ngood.fa,2,stop,no residues\n"bin,1.faa",,,no records\nbin2.faa.gz,,,no records\n',
  );
  const split = ['split-sequences', '--input', 'good.fa', '--output', 'parts', '--skipped', 's.csv', '--name', 'soil'];
  expect(await lanceflowJson(split, { cwd })).toMatchObject({ rows: 2, skippedRecords: 1, skippedFiles: 0 });
  expect(await readFile(join(cwd, 's.csv'), 'utf8')).toContain('\nsoil,2,stop,no residues\n');
});

test('they are refused with --strict, and where nothing else is left', async () => {
  const { embed, refused } = await prepared();
  expect(await refused(embed(INPUTS, '--strict'))).toContain('good.fa: record 2 ("stop"): its sequence is empty');
  expect(await refused(embed(['bin,1.faa'], '--strict'))).toContain('bin,1.faa: no sequences: the file is empty.');
  expect(await refused(embed(['bin,1.faa']))).toContain('bin,1.faa: no sequences: the file is empty.');
  expect(await refused(embed(['stop.fa']))).toContain('stop.fa: no sequences: its records have no residues');
  expect(await refused(embed(['bin,1.faa', 'stop.fa']))).toContain('None of the 2 files has a sequence.');
});

test('--allow-empty writes a shard without rows, which pack-buckets skips', async () => {
  const { cwd, embed, refused } = await prepared();
  const described = (name: string) => ['--description', `${name}.description`, '--name', name];
  await lanceflowJson(embed(['good.fa'], ...described('good')), { cwd });
  const empty = await lanceflowJson(embed(['bin,1.faa'], '--allow-empty', ...described('empty')), { cwd });
  expect(empty).toMatchObject({ rows: 0, skippedFiles: 1 });
  const plan = ['pack-buckets', '--bucket-size', '9', '--output', 'plan.json', '--input', 'empty.description'];
  expect(await lanceflowJson([...plan, 'good.description'], { cwd })).toMatchObject({ rows: 2 });
  const { held, buckets } = JSON.parse(await readFile(join(cwd, 'plan.json'), 'utf8'));
  expect([held, buckets[0].sources.length]).toEqual([[], 1]);
  expect(await refused(plan)).toContain('No input has a sequence: empty. Check --input.');
});
