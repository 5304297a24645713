// @module-tag slow

import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../workers/src/base/random.ts';
import { runHere } from '../support/command.ts';
import { ROOT, temporaryFolder } from '../support/run.ts';
import { batches, check } from './support/checks.ts';
import { countTasks, nextflow, pipeline } from './support/nextflow.ts';
import { fasta } from './support/proteins.ts';

const MB = 1e6;
/** The values of MEAN_SHARDS, MEAN_BYTES and MAX_SHARE in lib/ShardBatches.groovy. */
const MEAN = { shards: 250, bytes: 500 * MB };
const MOST = 4;

type Shard = [source: string, bytes: number | null];

function shards(count: number, bytesOf: (i: number) => number | null): Shard[] {
  return Array.from({ length: count }, (_, i) => [`s3://bucket/${String(i * 10).padStart(8, '0')}.h5`, bytesOf(i)]);
}

describe('batches of shards', () => {
  const random = seededRandom(7);
  const mixed = shards(5_000, (i) => (i % 100 === 0 ? 900 * MB : Math.floor(random() * 20 * MB)));
  const cases = {
    small: shards(20_000, () => 1_000),
    mixed,
    huge: shards(50, () => 500 * MB),
    unknown: shards(1_000, () => null),
    added: [...mixed, ['s3://bucket/00025005.h5', 1_000] satisfies Shard].sort(([a], [b]) => (a < b ? -1 : 1)),
    removed: mixed.filter((_, i) => i !== 1_234),
    grown: mixed.map(([source, bytes], i): Shard => [source, i === 3_333 ? 3 * MB : bytes]),
    one: shards(1, () => 0),
    none: [],
  };

  test('hold every shard once, sorted, within the limits, and few change with one shard', async () => {
    const answers = await check(
      Object.fromEntries(Object.entries(cases).map(([name, list]) => [name, batches(list)])),
      await temporaryFolder(),
    );
    const made = (name: keyof typeof cases) => answers[name]!.value as string[][];
    for (const [name, list] of Object.entries(cases)) {
      const found = made(name as keyof typeof cases);
      expect(found.flat(), name).toEqual(list.map(([source]) => source));
      const size = new Map(list);
      for (const batch of found) {
        const bytes = batch.reduce((sum, source) => sum + (size.get(source) ?? 0), 0);
        expect(batch.length, name).toBeLessThanOrEqual(MEAN.shards * MOST);
        expect(batch.length === 1 || bytes <= MEAN.bytes * MOST, name).toBe(true);
        if (batch.length > 1) for (const source of batch) expect(size.get(source) ?? 0).toBeLessThan(MEAN.bytes);
      }
    }
    expect(made('small').length).toBeGreaterThan(50);
    expect(made('small').length).toBeLessThan(130);
    expect(made('huge')).toHaveLength(50);
    expect(made('unknown').length).toBeLessThan(100);
    expect([made('one').length, made('none').length]).toEqual([1, 0]);

    const before = new Set(made('mixed').map((batch) => batch.join()));
    expect(before.size).toBeGreaterThan(100);
    for (const name of ['added', 'removed', 'grown'] as const) {
      const changed = made(name).filter((batch) => !before.has(batch.join()));
      // A shard that grew may stay in its batch, in which Nextflow notices the changed file.
      expect(name === 'grown' ? [0, 1, 2] : [1, 2], name).toContain(changed.length);
    }
  });
});

test('a task describes many shards, and an added shard repeats few tasks', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'in'));
  const add = async (name: string) => {
    await writeFile(join(folder, 'in', name), '');
    // A sparse file: 25 such shards are a mean batch.
    await truncate(join(folder, 'in', name), 20 * MB);
  };
  for (let i = 0; i < 400; i++) await add(`shard_${i}.h5`);
  const tasks = async () => {
    await pipeline(['-stub-run', '--input', 'in', '--database', 'db', '-resume'], folder);
    const { ran, cached } = await countTasks(join(folder, 'results'));
    return { ran: ran.DESCRIBE_SHARD ?? 0, cached: cached.DESCRIBE_SHARD ?? 0 };
  };
  const first = await tasks();
  expect(first.cached).toBe(0);
  // About 16 on average, with at most 100 shards each.
  expect(first.ran).toBeGreaterThanOrEqual(4);
  expect(first.ran).toBeLessThan(50);

  await add('shard_200_more.h5');
  const second = await tasks();
  expect(second.ran).toBeGreaterThan(0);
  // One or two; after a full batch, those up to the next one that is not full.
  expect(second.ran).toBeLessThanOrEqual(6);
  expect(second.cached).toBeGreaterThanOrEqual(first.ran - 6);
});

test('shards of the user and embedded ones are packed together; a damaged one is named', {}, async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  for (const name of ['in', 'in/a', 'in/b']) await mkdir(at(name));
  const all: string[] = [];
  // Two folders have files of the same name; sorted, the FASTA file lies between them.
  for (const name of ['a', 'b'])
    for (let i = 0; i < 12; i++) {
      const proteins = fasta(`${name}${i}_`, 3, all.length + 1);
      all.push(proteins);
      await writeFile(at('some.fasta'), proteins);
      await runHere([
        'embed-sequences',
        '--model',
        'kmer',
        '--input',
        at('some.fasta'),
        '--output',
        at(`in/${name}/it's [${i}].h5`),
      ]);
    }
  all.push(fasta('f', 5, 99));
  await writeFile(at('in/a/x.fasta'), all.at(-1)!);
  await writeFile(at('in/b/wrong 1.h5'), 'text');
  await writeFile(at('queries.fasta'), all.join(''));
  const args = ['--input', 'in/*/*', '--queries', 'queries.fasta', '--model', 'kmer', '--database', 'db', '-resume'];
  const search = ['--search', 'exact', '--k', '1', '--bucket_size', '20'];

  const failed = await nextflow(['run', join(ROOT, 'main.nf'), ...args, ...search], folder);
  expect(failed.code).not.toBe(0);
  expect(failed.stdout).toContain(`${at('in/b/wrong 1.h5')}: not an HDF5 file`);

  await rm(at('in/b/wrong 1.h5'));
  await pipeline([...args, ...search], folder);
  const [, ...rows] = (await readFile(at('results/neighbours.csv'), 'utf8')).trimEnd().split('\n');
  expect(rows).toHaveLength(2 * 12 * 3 + 5);
  // Each protein is its own nearest neighbour.
  for (const row of rows) {
    const [query, , target] = row.split(',');
    expect(target, row).toBe(query);
  }
  const { ran } = await countTasks(at('results'));
  expect(ran.DESCRIBE_SHARD ?? 0).toBeLessThan(8);
});
