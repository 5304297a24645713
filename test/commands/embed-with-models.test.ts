// @module-tag slow

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { columnTexts } from '../../workers/src/base/bytes/utf8-column.ts';
import { openShard } from '../../workers/src/shard/shard-reader.ts';
import { randomCheckpoint, TOKENIZER, writeCheckpoint } from '../models/support/checkpoint.ts';
import { FIXTURES, hasFixtures, readFixture } from '../models/support/fixtures.ts';
import { relativeError } from '../models/support/reference.ts';
import { finish, lanceflow, lanceflowJson, missing, ROOT, run, temporaryFolder } from '../support/run.ts';
import { waitUntil } from '../support/wait.ts';

async function readShard(path: string) {
  const shard = await openShard(path);
  const read = await shard.readRows(0, shard.rows, new ArrayBuffer(shard.rows * shard.dimension * 4));
  const vectors = new Float32Array(read.vectors);
  const ids = columnTexts(read.ids);
  shard.close();
  return { vectors, ids, dimension: shard.dimension, rows: shard.rows, attributes: shard.attributes };
}

describe.skipIf(missing(hasFixtures, 'shared/fixtures/embedding'))('reference', () => {
  test.each(['amplify-tiny', 'esm2-tiny'])('%s: the shard is expected.h5', async (name) => {
    const folder = join(FIXTURES, name);
    const output = join(await temporaryFolder(), 'o.h5');
    const args = ['--model', folder, '--input', join(folder, 'input.fasta'), '--output', output];
    const report = await lanceflowJson(['embed-sequences', ...args]);
    const got = await readShard(output);
    const want = await readShard(join(folder, 'expected.h5'));
    expect(got.ids).toEqual(want.ids);
    for (let row = 0; row < want.rows; row++) {
      const range = [row * want.dimension, (row + 1) * want.dimension] as const;
      expect(relativeError(got.vectors.subarray(...range), want.vectors.subarray(...range))).toBeLessThan(1e-5);
    }
    expect(report).toMatchObject(got.attributes);
  });

  test.each(['amplify-tiny', 'esm2-tiny'])('%s: a * at the end is a letter where it is kept', async (name) => {
    const { folder, sequences } = await readFixture(name);
    const output = join(await temporaryFolder(), 'o.h5');
    const args = ['--model', folder, '--input', join(folder, 'input.fasta'), '--output', output];
    await lanceflowJson(['embed-sequences', ...args, '--trailing-stop', 'keep']);
    const { vectors, dimension, attributes } = await readShard(output);
    const row = sequences.findIndex(({ id }) => id === 'STOP');
    const got = vectors.subarray(row * dimension, (row + 1) * dimension);
    expect(relativeError(got, sequences[row]!.raw_result!.mean_residues)).toBeLessThan(1e-5);
    expect(relativeError(got, sequences[row]!.mean_residues)).toBeGreaterThan(1e-3);
    expect(attributes).toMatchObject({ trailing_stop: 'keep', unknown_letters: 'unk' });
  });
});

const LANCEFLOW = join(ROOT, 'bin/lanceflow');

async function inputs() {
  const folder = await temporaryFolder();
  const model = join(folder, 'model');
  await randomCheckpoint(model, 'esm2');
  const fasta = join(folder, 'in.fa');
  const letters = 'LAGVSERTIDPKQNFYMHWC';
  const sequence = (i: number) => Array.from({ length: 20 + i }, (_, j) => letters[(i * 7 + j * j) % 20]).join('');
  await writeFile(fasta, Array.from({ length: 40 }, (_, i) => `>r${i}\n${sequence(i)}\n`).join(''));
  return { folder, model, fasta, output: join(folder, 'o.h5') };
}

test('options reach the model and are recorded', async () => {
  const { model, fasta, output } = await inputs();
  const conventions = ['--pooling', 'cls', '--hidden-state', 'before-norm', '--long', 'windows', '--max-length', '30'];
  const resources = ['--precision', 'int8', '--batch-tokens', '200', '--threads', '1'];
  const files = ['--model', model, '--input', fasta, '--output', output];
  await lanceflowJson(['embed-sequences', ...files, ...conventions, ...resources]);
  expect((await readShard(output)).attributes).toMatchObject({
    pooling: 'cls',
    hidden_state: 'before-norm',
    truncation: 'windows',
    max_length: 30,
    precision: 'int8',
  });
});

test('a wrong last record is reported before the first is computed', async () => {
  const { folder, model, fasta, output } = await inputs();
  const cache = join(folder, 'cache');
  const args = ['--model', model, '--output', output, '--cache', cache];
  for (const [record, message] of [
    ['>r0\nMKV\n', /record 41: the id "r0" is also the id of record 1/],
    ['>last\nMK1\n', /record 41/],
  ] as const) {
    const broken = join(folder, 'broken.fa');
    await writeFile(broken, `${await readFile(fasta, 'utf8')}${record}`);
    const { code, stderr } = await lanceflow(['embed-sequences', ...args, '--input', broken]);
    expect([code, stderr]).toEqual([65, expect.stringMatching(message)]);
    expect(await cachedRows(cache)).toBe(0);
  }
});

test('unknown letters can be refused, before the first record is computed, or in a pipe', async () => {
  const { folder, model, fasta, output } = await inputs();
  const cache = join(folder, 'cache');
  const refused = ['embed-sequences', '--model', model, '--output', output, '--unknown-letters', 'refuse'];
  const unknown = join(folder, 'unknown.fa');
  await writeFile(unknown, `${await readFile(fasta, 'utf8')}>odd\nMKxJ*\n`);
  const message = /: record 41 \("odd"\): the model does not know the letter "J" at position 4 of its sequence/;
  const file = await lanceflow([...refused, '--input', unknown, '--cache', cache]);
  expect([file.code, file.stderr]).toEqual([65, expect.stringMatching(message)]);
  expect(await cachedRows(cache)).toBe(0);
  const piped = await run('bash', ['-c', 'cat "$0" | "$@"', unknown, LANCEFLOW, ...refused, '--input', '-']);
  expect([piped.code, piped.stderr]).toEqual([65, expect.stringMatching(message)]);
  expect(existsSync(output)).toBe(false);
  // X and B are in this vocabulary, and the stop at the end is no letter.
  await writeFile(unknown, '>fine\nMKXB*\n');
  const { rows } = await lanceflowJson([...refused, '--input', unknown]);
  expect([rows, (await readShard(output)).attributes.unknown_letters]).toEqual([1, 'refuse']);
});

test('FASTA compressed by gzip or zstd, and standard input, to float16: the same vectors', async () => {
  const { folder, model, fasta, output } = await inputs();
  const args = ['embed-sequences', '--model', model, '--vector-type', 'float16'];
  await lanceflowJson(['embed-sequences', '--model', model, '--input', fasta, '--output', output]);
  const exact = (await readShard(output)).vectors;
  const text = await readFile(fasta);
  for (const pack of [gzipSync, zstdCompressSync]) {
    await writeFile(join(folder, 'packed'), pack(text));
    const shell = 'cat "$0" | "$@"';
    const half = join(folder, 'half.h5');
    expect(
      await run('bash', ['-c', shell, join(folder, 'packed'), LANCEFLOW, ...args, '--input', '-', '--output', half]),
    ).toMatchObject({ code: 0 });
    const again = join(folder, 'again.h5');
    await lanceflowJson([...args, '--input', join(folder, 'packed'), '--output', again]);
    for (const path of [half, again]) {
      const shard = await openShard(path);
      expect([shard.vectorType, shard.rows]).toEqual(['float16', 40]);
      const { vectors } = await shard.readRows(0, shard.rows, new ArrayBuffer(shard.rows * shard.dimension * 2));
      const values = new Float16Array(vectors);
      shard.close();
      expect([...values]).toEqual([...Float16Array.from(exact)]);
    }
  }
});

test('a pipe', async () => {
  const { model, fasta, output } = await inputs();
  const program = [join(ROOT, 'bin/lanceflow'), 'embed-sequences', '--model', model, '--output', output];
  const script = 'input=$1; shift; exec "$@" --input <(cat "$input")';
  expect(await run('bash', ['-c', script, 'bash', fasta, ...program])).toMatchObject({ code: 0 });
  expect((await readShard(output)).rows).toBe(40);
});

test('--compare-precision reports the agreement of int8 and writes nothing', async () => {
  const { model, fasta } = await inputs();
  const args = ['embed-sequences', '--model', model, '--input', fasta, '--compare-precision', '30'];
  const report = await lanceflowJson(args);
  expect(report).toMatchObject({ rows: 30, sequences: 30, bytes: 0 });
  expect(report.meanCosine).toBeGreaterThan(0.99);
  expect(report.neighbourOverlap).toBeGreaterThan(0.5);
  const { stderr } = await lanceflow(args);
  expect(stderr).toMatch(/int8 against float32 on 30 sequences: cosine 0\.\d{5} on average.*nearest neighbours/);
});

test.each<[string[], number, RegExp]>([
  [['--device', 'cuda'], 64, /--device cuda: ONNX Runtime cannot use/],
  [['--device', 'abacus'], 64, /device/],
  [['--max-length', '0'], 64, /--max-length must be a whole number from 1/],
  [['--compare-precision', '0'], 64, /--compare-precision must be/],
])('%o is wrong usage', async (extra, code, message) => {
  const { model, fasta, output } = await inputs();
  const args = ['embed-sequences', '--model', model, '--input', fasta, '--output', output, ...extra];
  const finished = await lanceflow(args);
  expect([finished.code, finished.stderr]).toEqual([code, expect.stringMatching(message)]);
});

test('a model that yields NaN: 65 naming the sequence, nothing is written, and finished vectors are kept', async () => {
  const { folder, model, fasta, output } = await inputs();
  const { config, tensors } = await randomCheckpoint(model, 'esm2');
  // Only sequences with a B are computed with it.
  const letters = tensors.get('esm.embeddings.word_embeddings.weight')!;
  letters.values[TOKENIZER.esm2.tokens.indexOf('B') * letters.shape[1]!] = Number.NaN;
  await writeCheckpoint(model, 'esm2', config, tensors);
  await writeFile(fasta, `${await readFile(fasta, 'utf8')}>bad "one"\nMKVB\n>last\nMKV\n`);
  const args = ['embed-sequences', '--model', model, '--input', fasta];
  const written = ['--output', output, '--description', join(folder, 'd.json'), '--cache', join(folder, 'cache')];
  const refused = async (extra: readonly string[]) => {
    const { code, stderr } = await lanceflow([...args, ...extra]);
    expect([code, existsSync(output), existsSync(join(folder, 'd.json'))]).toEqual([65, false, false]);
    return stderr;
  };
  const message = `${fasta}: record 41 ("bad"): the vector of this sequence has NaN at component`;
  expect(await refused(written)).toContain(message);
  expect(await cachedRows(join(folder, 'cache'))).toBe(41);
  expect(await refused(['--compare-precision', '50'])).toContain(message);
  expect(await refused([...written, '--precision', 'int8', '--vector-type', 'float16'])).toMatch(
    /record 41 \("bad"\).*try --precision float32/s,
  );
});

describe('--cache', () => {
  test('an embedded sequence is not computed again', async () => {
    const { folder, model, fasta, output } = await inputs();
    const args = ['embed-sequences', '--model', model, '--input', fasta, '--cache', join(folder, 'cache')];
    expect(await lanceflowJson([...args, '--output', output])).toMatchObject({ rows: 40, computed: 40 });
    const again = join(folder, 'again.h5');
    expect(await lanceflowJson([...args, '--output', again])).toMatchObject({ rows: 40, computed: 0 });
    expect(await readShard(again)).toEqual(await readShard(output));
    const other = await lanceflowJson([...args, '--pooling', 'cls', '--output', again]);
    expect(other).toMatchObject({ computed: 40 });
  });

  test('kmer has none', async () => {
    const { fasta, output, folder } = await inputs();
    const args = ['--model', 'kmer', '--input', fasta, '--output', output, '--cache', folder];
    expect((await lanceflow(['embed-sequences', ...args])).code).toBe(64);
  });
});

describe('a run killed between blocks continues to the same bytes', () => {
  test.each<[string, (folder: string) => string[]]>([
    ['by itself', () => []],
    ['by --checkpoints', (folder) => ['--checkpoints', join(folder, 'unfinished')]],
    ['by --cache', (folder) => ['--cache', join(folder, 'cache')]],
  ])('%s', async (_how, options) => {
    const { folder, model, output } = await inputs();
    // Each of these fills a block of 8192 residues.
    const letters = 'LAGVSERTIDPKQNFYMHWC';
    const long = (i: number) => Array.from({ length: 8200 }, (_, j) => letters[(i + j * j + (j >> 5)) % 20]).join('');
    const fasta = join(folder, 'long.fa');
    await writeFile(fasta, Array.from({ length: 14 }, (_, i) => `>r${i}\n${long(i)}\n`).join(''));
    const windows = ['--long', 'windows', '--max-length', '1000'];
    const args = ['embed-sequences', '--model', model, '--input', fasta, ...windows];
    await lanceflowJson([...args, '--output', output]);

    const resumed = join(folder, 'resumed.h5');
    const again = [...args, ...options(folder), '--output', resumed];
    const child = spawn(join(ROOT, 'bin/lanceflow'), again);
    const ended = once(child, 'close');
    await waitUntil('three rows are kept', async () => (await cachedRows(folder)) >= 3, { during: child, everyMs: 5 });
    child.kill('SIGKILL');
    await ended;
    expect(existsSync(resumed)).toBe(false);
    const { computed } = await lanceflowJson(again);
    expect(computed).toBeGreaterThan(0);
    expect(computed).toBeLessThan(12);
    expect(await readShard(resumed)).toEqual(await readShard(output));
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([]);
    if (existsSync(join(folder, 'unfinished'))) expect(await readdir(join(folder, 'unfinished'))).toEqual([]);
  });
});

test('a signal while the model computes ends the command at once, without a crash or unfinished files', async () => {
  const { folder, model, output } = await inputs();
  const fasta = join(folder, 'long.fa');
  await writeFile(fasta, Array.from({ length: 20 }, (_, i) => `>r${i}\n${'LAGVS'.repeat(1640 + i)}\n`).join(''));
  const windows = ['--long', 'windows', '--max-length', '1000'];
  const child = spawn(LANCEFLOW, [
    'embed-sequences',
    '--model',
    model,
    '--input',
    fasta,
    ...windows,
    '--output',
    output,
  ]);
  const ended = finish(child);
  await waitUntil('two rows are kept', async () => (await cachedRows(folder)) >= 2, { during: child, everyMs: 5 });
  child.kill('SIGTERM');
  const { code, signal, stderr } = await ended;
  expect(code === 143 || signal === 'SIGTERM', `${code} ${signal}`).toBe(true);
  expect(stderr).toContain('Stopped by SIGTERM');
  expect(stderr).not.toContain('terminate called');
  expect((await readdir(folder)).filter((name) => name.endsWith('.tmp') || name === 'o.h5')).toEqual([]);
});

/** Counts the rows that a running process has written to its cache. */
async function cachedRows(cache: string): Promise<number> {
  const files = await readdir(cache, { recursive: true }).catch(() => []);
  const keys = files.filter((name) => name.endsWith('.keys'));
  const sizes = await Promise.all(keys.map(async (name) => (await stat(join(cache, name))).size));
  return sizes.reduce((sum, size) => sum + size / 20, 0);
}

test.skipIf(process.platform !== 'linux')(
  'too little memory: 75, naming the option to lower, and nothing is written',
  async () => {
    const { folder, model, output } = await inputs();
    const fasta = join(folder, 'long.fa');
    await writeFile(fasta, `>a\nMKV\n>b\n${'LAGVSERTID'.repeat(7000)}\n`);
    // Attention over a padded batch needs memory quadratic in the length: here 98 GB.
    const args = [
      '--model',
      model,
      '--input',
      fasta,
      '--output',
      output,
      '--max-length',
      '70000',
      '--batch-tokens',
      '9',
    ];
    const limited = 'ulimit -v 45000000; exec "$@"';
    const program = [join(ROOT, 'bin/lanceflow'), 'embed-sequences', ...args];
    const { code, stderr } = await run('bash', ['-c', limited, 'bash', ...program]);
    expect(stderr).toContain('does not fit into memory. Lower --batch-tokens or --max-length');
    expect(code).toBe(75);
    expect(await readdir(folder)).toEqual(expect.not.arrayContaining(['o.h5']));
  },
);
