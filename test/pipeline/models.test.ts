// @module-tag slow

import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { openS3 } from '../../workers/src/s3/client.ts';
import { randomCheckpoint } from '../models/support/checkpoint.ts';
import { FIXTURES, hasFixtures } from '../models/support/fixtures.ts';
import { missing, missingPython, python, ROOT, temporaryFolder } from '../support/run.ts';
import { missingServer, useS3, withS3Server } from '../support/s3.ts';
import { killInTheMiddle, momentOf } from './support/kill.ts';
import { countTasks, nextflow, pipeline, readTrace, startPipeline } from './support/nextflow.ts';
import { fasta } from './support/proteins.ts';

const K = 4;

/** Computes the cosine distances between all vectors of a shard, in float64, by numpy. */
async function distances(shard: string): Promise<Map<string, Map<string, number>>> {
  const code = `
import h5py, json, numpy, sys
with h5py.File(sys.argv[1]) as f:
    ids, x = [i.decode() for i in f['id'][:]], f['embedding'][:].astype('f8')
x /= numpy.linalg.norm(x, axis=1)[:, None]
print(json.dumps([ids, (1 - x @ x.T).tolist()]))`;
  const [ids, rows] = await python<[string[], number[][]]>(code, shard);
  return new Map(ids.map((id, i) => [id, new Map(ids.map((other, j) => [other, rows[i]![j]!]))]));
}

const skip = [missing(hasFixtures, 'shared/fixtures/embedding'), missingPython(), missingServer('moto')].some(Boolean);

describe.skipIf(skip)('language models', () => {
  const held = withS3Server('moto');

  /** Uploads a model's folder to S3. */
  async function put(model: string): Promise<string> {
    const uri = `s3://lance/models/${model}`;
    const { client, location, key } = await openS3(uri);
    for (const name of await readdir(join(FIXTURES, model))) {
      const Body = await readFile(join(FIXTURES, model, name));
      await client.send(new PutObjectCommand({ Bucket: location.bucket, Key: key(name), Body }));
    }
    return uri;
  }

  test('from FASTA to neighbours with a model in a folder and on S3; a database records its model', {}, async () => {
    const folder = await temporaryFolder();
    useS3({ ...held.server.env, LANCEFLOW_MODELS: join(folder, 'models') });
    const places: Record<string, string> = {
      'amplify-tiny': join(FIXTURES, 'amplify-tiny'),
      'esm2-tiny': await put('esm2-tiny'),
    };
    const args = (model: string, database: string) => [
      ...['--model', places[model]!, '--database', database, '--k', `${K}`, '--search', 'exact'],
      ...['--queries', join(FIXTURES, model, 'input.fasta'), '--outdir', `results-${model}`],
    ];
    for (const model of ['amplify-tiny', 'esm2-tiny']) {
      const input = ['--input', join(FIXTURES, model, 'input.fasta')];
      await pipeline([...args(model, model), ...input], folder);
      const expected = await distances(join(FIXTURES, model, 'expected.h5'));
      const text = await readFile(join(folder, `results-${model}`, 'neighbours.csv'), 'utf8');
      const rows = text.trimEnd().split('\n').slice(1);
      for (const [query, row] of expected) {
        const found = rows.map((line) => line.split(',')).filter(([id]) => id === query);
        const nearest = [...row.values()].sort((a, b) => a - b).slice(0, K);
        expect(found).toHaveLength(K);
        for (const [rank, [, , target, distance]] of found.entries()) {
          expect(Math.abs(Number(distance) - row.get(target!)!)).toBeLessThan(1e-5);
          expect(Math.abs(Number(distance) - nearest[rank]!)).toBeLessThan(1e-5);
        }
      }
    }

    // Both models have vectors of 64 components, and differ in name only.
    const { code, stdout } = await nextflow(
      ['run', join(ROOT, 'main.nf'), ...args('esm2-tiny', 'amplify-tiny')],
      folder,
    );
    expect(code).not.toBe(0);
    expect(stdout).toMatch(/AMPLIFY-64x3@[0-9a-f]{8}/);
    expect(stdout).toMatch(/ESM-2-64x3@[0-9a-f]{8}/);
    expect(stdout).toContain("Embed the queries with the database's own model");
  });
});

test('a changed option of a language model embeds again, and the cache avoids the computation', {}, async () => {
  const folder = await temporaryFolder();
  await randomCheckpoint(join(folder, 'model'), 'esm2');
  const input = join(folder, 'in');
  await mkdir(input);
  await writeFile(join(input, 'p.fasta'), fasta('p', 30, 5));
  const run = (...extra: string[]) =>
    pipeline(['--input', input, '--model', 'model', '--cache', 'cache', '-resume', ...extra], folder);
  /** Reads the report of a file's embedding task. */
  const embedded = async (file: string) => {
    const { hash, status } = (await readTrace(join(folder, 'results'))).find(({ tag }) => tag === file)!;
    const [parent, start] = hash.split('/') as [string, string];
    const names = await readdir(join(folder, 'work', parent));
    const task = join(folder, 'work', parent, names.find((name) => name.startsWith(start))!);
    return { status, ...JSON.parse(await readFile(join(task, `${file}.embed-sequences.json`), 'utf8')) };
  };

  await run('--database', 'one');
  expect(await embedded('p.fasta')).toMatchObject({ status: 'COMPLETED', computed: 30, pooling: 'mean' });

  const choices = ['--pooling', 'cls', '--max_length', '50', '--long_sequences', 'windows', '--hidden_state'];
  const letters = ['--unknown_letters', 'refuse', '--trailing_stop', 'keep'];
  await run('--database', 'two', ...choices, 'before-norm', '--precision', 'int8', ...letters);
  const chosen = {
    unknown_letters: 'refuse',
    trailing_stop: 'keep',
    pooling: 'cls',
    hidden_state: 'before-norm',
    max_length: 50,
    truncation: 'windows',
  };
  expect(await embedded('p.fasta')).toMatchObject({ status: 'COMPLETED', computed: 30, precision: 'int8', ...chosen });

  // Another file of the same sequences with the first options: the cache has all of them.
  await writeFile(join(input, 'q.fasta'), fasta('q', 30, 5));
  await run('--database', 'one');
  expect(await countTasks(join(folder, 'results'))).toMatchObject({ ran: { EMBED_SEQUENCES: 1 } });
  expect(await embedded('q.fasta')).toMatchObject({ status: 'COMPLETED', rows: 30, computed: 0 });

  // Changed weights are another model.
  await randomCheckpoint(join(folder, 'model'), 'esm2', {}, { seed: 2 });
  await run('--database', 'four');
  const [p, q] = [await embedded('p.fasta'), await embedded('q.fasta')];
  // Both tasks need the same vectors: the later one may have found them in the cache.
  expect(Math.max(p.computed, q.computed)).toBe(30);
});

test('a run killed while it embeds resumes after the last finished block', async () => {
  const folder = await temporaryFolder();
  await randomCheckpoint(join(folder, 'model'), 'esm2');
  const letters = 'LAGVSERTIDPKQNFYMHWC';
  // Blocks are of 8192 residues: each of these is one.
  const long = (i: number) => Array.from({ length: 8200 }, (_, j) => letters[(i + j * j + (j >> 5)) % 20]).join('');
  await writeFile(join(folder, 'long.fa'), Array.from({ length: 20 }, (_, i) => `>r${i}\n${long(i)}\n`).join(''));
  const windows = ['--long_sequences', 'windows', '--max_length', '1000'];
  const args = ['--input', 'long.fa', '--model', 'model', '--database', 'db', ...windows, '-resume'];

  const killed = startPipeline(args, folder);
  const blocks = join(folder, 'work/embedding-blocks');
  const worker = await momentOf(killed, 'three vectors are kept', async () => {
    const files = await readdir(blocks, { recursive: true }).catch(() => []);
    const keys = files.find((path) => path.endsWith('.keys'));
    // 20 bytes a vector; the file is named after its process.
    if (!keys || (await stat(join(blocks, keys))).size < 60) return undefined;
    return Number(basename(keys).split('-')[0]);
  });
  await killInTheMiddle(killed, worker);

  await pipeline(args, folder);
  const reports = (await readdir(join(folder, 'work'), { recursive: true })).filter((path) =>
    path.endsWith('long.fa.embed-sequences.json'),
  );
  const texts = await Promise.all(reports.map((path) => readFile(join(folder, 'work', path), 'utf8')));
  // The report of the killed task is empty.
  const report = JSON.parse(texts.find((text) => text !== '')!) as { rows: number; computed: number };
  expect(report.rows).toBe(20);
  expect(report.computed).toBeGreaterThan(0);
  expect(report.computed).toBeLessThanOrEqual(17);
  expect(await readdir(blocks)).toEqual([]);
});
