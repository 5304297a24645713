// @module-tag slow

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Estimate } from '../../workers/src/vectors/recall.ts';
import { runHere } from '../support/command.ts';
import { countCalls, killAtCall, signalAfter } from '../support/crash.ts';
import { bruteForce, buildDatabase, namesIn, readHitRows } from '../support/database.ts';
import type { Hit } from '../support/hits.ts';
import { expectRefusalHere } from '../support/refusal.ts';
import { lanceflow, sharedFolder, temporaryFolder } from '../support/run.ts';
import { type Rows, randomRows, sliceRows, writeShard } from '../support/shards.ts';

// A campaign in parts: blocks and ranges of queries, kills between blocks, duplicated vectors.

const STRATEGIES = ['exact', 'scan', 'ann'] as const;
const BUCKETS = ['bucket_00001', 'bucket_00002'];
let folder = '';
let database = '';
let queries = '';
const rows = randomRows(1, 4000, 24);
const queryRows = randomRows(2, 40, 24, 'q');
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await sharedFolder();
  const shards = [await writeShard(at('a.h5'), rows)];
  ({ database } = await buildDatabase(folder, shards, { bucketSize: 2000, index: ['--index', 'ivf-rq'] }));
  queries = await writeShard(at('q.h5'), queryRows);
});

const command = (bucket: string, path: string, output: string, options: readonly string[]) => [
  ...['search-bucket', '--bucket', bucket, '--database', database, '--queries', path],
  ...['--output', output, ...options],
];

describe.each(STRATEGIES)('%s', (strategy) => {
  const options = ['--k', '6', '--search', strategy, '--nprobes', '4'];

  it('writes the same bytes in one block, in many, and in ranges', async () => {
    const own = await temporaryFolder();
    const neighbours = async (name: string, parts: string[][]) => {
      const files: string[] = [];
      for (const bucket of BUCKETS)
        for (const [i, part] of parts.entries()) {
          const output = join(own, `${name}.${bucket}.${i}.parquet`);
          const result = await runHere(command(bucket, queries, output, [...options, ...part]));
          expect(result.rows).toBe((await readHitRows(output)).length);
          files.push(output);
        }
      const outputs = ['--output', join(own, `${name}.parquet`), '--csv', join(own, `${name}.csv`)];
      await runHere(['merge-hits', '--input', ...files, '--k', '6', ...outputs]);
      return Promise.all(['parquet', 'csv'].map((type) => readFile(join(own, `${name}.${type}`), 'utf8')));
    };
    const whole = await neighbours('whole', [[]]);
    expect(whole[1]!.split('\n')).toHaveLength(40 * 6 + 2);
    expect(await neighbours('blocks', [['--block-queries', '7']])).toEqual(whole);
    const ranges = [
      ['--range', '13:40', '--block-queries', '5'],
      ['--range', '0:13'],
    ];
    expect(await neighbours('ranges', ranges)).toEqual(whole);
    // So are the hits, and no block is left.
    const hits = (name: string) => readFile(join(own, `${name}.bucket_00001.0.parquet`), 'utf8');
    expect(await hits('blocks')).toBe(await hits('whole'));
    expect((await namesIn(own)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('searches a vector of several queries once, with the same hits', async () => {
    const own = await temporaryFolder();
    // Thirty copies of five vectors, between unique vectors.
    const copies: Rows = { dimension: 24, ids: [], vectors: new Float32Array(60 * 24) };
    for (let i = 0; i < 60; i++) {
      const from = i % 2 === 0 ? (i / 2) % 5 : 5 + (i >> 1);
      copies.ids.push(`c${(i * 37) % 101}`);
      copies.vectors.set(queryRows.vectors.subarray(from * 24, (from + 1) * 24), i * 24);
    }
    const path = await writeShard(join(own, 'copies.h5'), copies);
    const output = join(own, 'hits.parquet');
    await runHere(command('bucket_00001', path, output, options));
    const found = Map.groupBy(await readHitRows(output), ({ query }) => query);
    await runHere(command('bucket_00001', queries, output, options));
    const expected = Map.groupBy(await readHitRows(output), ({ query }) => query);
    expect([...found.keys()]).toEqual([...copies.ids].sort());
    for (const [i, id] of copies.ids.entries()) {
      const from = i % 2 === 0 ? (i / 2) % 5 : 5 + (i >> 1);
      const renamed = expected.get(`q${from}`)!.map((hit) => ({ ...hit, query: id }));
      expect(found.get(id)).toEqual(renamed);
    }
  });
});

describe('the recall of the merged answer', () => {
  const k = 5;
  const files = (own: string, name: string) => BUCKETS.map((bucket) => join(own, `${name}.${bucket}.parquet`));
  const merge = async (own: string, name: string, ...options: string[]) => {
    const output = join(own, `${name}.parquet`);
    const argv = ['merge-hits', '--input', ...files(own, name), '--k', `${k}`, '--output', output, ...options];
    return { result: await runHere(argv), hits: await readHitRows(output) };
  };

  it.each(STRATEGIES)('%s: is that of its hits compared with an exact search', async (strategy) => {
    const own = await temporaryFolder();
    for (const [i, bucket] of BUCKETS.entries()) {
      const measured = ['--nprobes', '2', '--truth', files(own, 'truth')[i]!, '--exclude-self'];
      await runHere(
        command(bucket, queries, files(own, 'hits')[i]!, ['--k', `${k}`, '--search', strategy, ...measured]),
      );
      await runHere(command(bucket, queries, files(own, 'exact')[i]!, ['--k', `${k}`, '--search', 'exact']));
    }
    const exact = await merge(own, 'exact');
    expect(exact.result.recall).toBeUndefined();
    const found = await merge(own, 'hits', '--truth', ...files(own, 'truth'));
    const text = ({ query, target, bucket }: Hit) => `${query} ${target} ${bucket}`;
    const true_ = new Set(exact.hits.map(text));
    const share = found.hits.filter((hit) => true_.has(text(hit))).length / true_.size;
    const recall = found.result.recall as Estimate;
    // All forty queries are in the evaluation sample, which has up to two hundred.
    expect(recall).toMatchObject({ queries: 40, mean: expect.closeTo(share, 12) });
    if (strategy === 'exact') expect(recall.mean).toBe(1);
    else expect(recall.mean).toBeLessThan(1);
    expect(recall.low).toBeLessThan(recall.mean);
    expect(recall.high).toBeGreaterThanOrEqual(recall.mean);
  });

  it('is measured on the same queries in every bucket and range, against an exact search', async () => {
    const own = await temporaryFolder();
    const many = randomRows(3, 700, 24, 'm');
    const path = await writeShard(join(own, 'many.h5'), many);
    const groundTruthOf = async (bucket: string, strategy: string, ...options: string[]) => {
      const [output, groundTruth] = [join(own, 'out.parquet'), join(own, `truth.${bucket}.parquet`)];
      await runHere(
        command(bucket, path, output, ['--k', '3', '--search', strategy, '--truth', groundTruth, ...options]),
      );
      return readHitRows(groundTruth);
    };
    const sampled = (hits: readonly Hit[]) => [...new Set(hits.map(({ query }) => query))];
    const scan = await groundTruthOf('bucket_00001', 'scan', '--nprobes', '1');
    expect(sampled(scan)).toHaveLength(200);
    expect(await groundTruthOf('bucket_00001', 'exact')).toEqual(scan);
    expect(sampled(await groundTruthOf('bucket_00002', 'ann'))).toEqual(sampled(scan));
    const parts = [await groundTruthOf('bucket_00001', 'ann', '--range', '0:300')];
    parts.push(await groundTruthOf('bucket_00001', 'exact', '--range', '300:700', '--block-queries', '100'));
    expect(parts.flat()).toEqual(scan);
    expect(await groundTruthOf('bucket_00001', 'scan', '--range', '0:1')).toEqual(
      scan.filter(({ query }) => query === 'm0'),
    );
  });
});

it('refuses to merge hits of different searches', async () => {
  const own = await temporaryFolder();
  const search = async (name: string, bucket: string, path: string, ...options: string[]) => {
    await runHere(command(bucket, path, join(own, name), ['--k', '3', '--search', 'exact', ...options]));
    return join(own, name);
  };
  const mine = await search('mine', 'bucket_00001', queries);
  const merge = (files: string[], k = 3, ...options: string[]) => [
    'merge-hits',
    '--input',
    ...files,
    '--k',
    `${k}`,
    '--output',
    join(own, 'n.parquet'),
    ...options,
  ];
  const refuse = (argv: string[], message: RegExp) => expectRefusalHere(argv, 65, message);
  const twice = await search('twice', 'bucket_00001', queries, '--range', '39:40');
  await refuse(merge([mine, twice]), /mine and .*twice both have hits of bucket_00001/);
  await refuse(merge([mine], 4), /mine: these hits were cut at k = 3, so the 4 nearest over all buckets are unknown/);
  // A query set of the same size with one other vector, or one other id.
  for (const [name, change] of [
    ['vector', (rows: Rows) => (rows.vectors[30] = 0.5)],
    ['id', (rows: Rows) => (rows.ids[7] = 'q7b')],
  ] as const) {
    const changed = { ...queryRows, ids: [...queryRows.ids], vectors: queryRows.vectors.slice() };
    change(changed);
    const path = await writeShard(join(own, `${name}.h5`), changed);
    await refuse(merge([mine, await search(name, 'bucket_00002', path)]), /two query sets/);
    const groundTruth = join(own, `${name}.truth`);
    await search('other', 'bucket_00001', path, '--truth', groundTruth);
    await refuse(merge([mine], 3, '--truth', groundTruth), /two query sets/);
  }
  // The same queries in two files.
  const parts = [sliceRows(queryRows, 20, 40), sliceRows(queryRows, 0, 20)];
  const paths = await Promise.all(parts.map((part, i) => writeShard(join(own, `part${i}.h5`), part)));
  const output = join(own, 'second');
  const argv = command('bucket_00002', paths[0]!, output, ['--k', '5', '--search', 'exact']);
  argv.splice(argv.indexOf(paths[0]!) + 1, 0, paths[1]!);
  await runHere(argv);
  expect((await runHere(merge([mine, output]))).rows).toBe(120);
});

it('returns 50,000 neighbours per query by every strategy', async () => {
  const own = await temporaryFolder();
  const [many, few] = [randomRows(7, 60_000, 8), randomRows(8, 3, 8, 'q')];
  const shards = [await writeShard(join(own, 'rows.h5'), many)];
  const built = await buildDatabase(own, shards, { index: ['--index', 'ivf-rq'] });
  const path = await writeShard(join(own, 'few.h5'), few);
  const expected = bruteForce(few, many, 'cosine', 50_000, 'bucket_00001');
  for (const strategy of STRATEGIES) {
    const output = join(own, `${strategy}.parquet`);
    const argv = command('bucket_00001', path, output, ['--k', '50000', '--search', strategy, '--nprobes', '1000']);
    await runHere(argv.map((word) => (word === database ? built.database : word)));
    const hits = await readHitRows(output);
    expect(hits.length).toBe(150_000);
    let farthest = 0;
    for (const [i, { distance }] of hits.entries())
      farthest = Math.max(farthest, Math.abs(distance - expected[i]!.distance));
    expect(farthest).toBeLessThan(2e-6);
    // Rows whose distances are equal in float32 may change places, also across the last rank.
    const text = ({ query, target }: Hit) => `${query} ${target}`;
    const known = new Set(expected.map(text));
    expect(new Set(hits.map(text)).size).toBe(150_000);
    expect(hits.filter((hit) => !known.has(text(hit))).length).toBeLessThan(10);
  }
});

describe('a killed search', () => {
  it('continues after its last finished block, whenever it is killed', { timeout: 300_000 }, async () => {
    const own = await temporaryFolder();
    const options = ['--k', '4', '--search', 'scan', '--nprobes', '4', '--block-queries', '9'];
    const run = (name: string) => command('bucket_00001', queries, join(own, name, 'hits.parquet'), options);
    const calls = await countCalls(run('whole'), join(own, 'count'));
    const expected = await readFile(join(own, 'whole/hits.parquet'));
    expect(calls).toBeGreaterThan(10);
    const resumed = new Set<unknown>();
    for (let call = 1; call <= calls; call += 5) {
      const name = `killed${call}`;
      await killAtCall(run(name), call);
      const finished = (await namesIn(join(own, name)).catch(() => [])).filter((file) =>
        /blocks\/\d+-\d+\.\w+\.parquet\.checksum$/.test(file),
      );
      const result = await runHere(run(name));
      expect(result, `killed before call ${call}`).toMatchObject({ blocks: 5, resumedBlocks: finished.length });
      resumed.add(finished.length);
      expect((await readFile(join(own, name, 'hits.parquet'))).equals(expected)).toBe(true);
      expect(await readdir(join(own, name))).toEqual(['hits.parquet']);
    }
    expect(resumed.size).toBeGreaterThan(3);
    expect([...resumed]).toEqual(expect.arrayContaining([0, 4]));
  });

  it('does not affect an equal search that runs at the same time', async () => {
    const own = await temporaryFolder();
    const options = ['--k', '4', '--search', 'exact', '--block-queries', '10', '--checkpoints', join(own, 'blocks')];
    const run = (name: string) => command('bucket_00001', queries, join(own, name), options);
    const [killed, ...others] = await Promise.all([
      signalAfter(run('killed.parquet'), { folder: join(own, 'blocks'), file: /0-10\.\w+\.parquet$/ }, 'SIGKILL'),
      lanceflow(run('one.parquet')),
      lanceflow(run('other.parquet')),
    ]);
    expect(['SIGKILL', null]).toContain(killed.signal);
    for (const { code, stderr } of others) expect({ code, stderr }).toMatchObject({ code: 0 });
    await runHere(command('bucket_00001', queries, join(own, 'whole.parquet'), ['--k', '4', '--search', 'exact']));
    const expected = await readFile(join(own, 'whole.parquet'));
    for (const name of ['one', 'other'])
      expect((await readFile(join(own, `${name}.parquet`))).equals(expected)).toBe(true);
    await runHere(run('again.parquet'));
    expect(await readdir(join(own, 'blocks'))).toEqual([]);
  });

  it('ignores blocks of another search, and keeps its strategy', async () => {
    const own = await temporaryFolder();
    const blocks = ['--block-queries', '15', '--checkpoints', join(own, 'blocks')];
    const run = (output: string, ...options: string[]) =>
      command('bucket_00001', queries, join(own, output), [...blocks, ...options]);
    // The measurement of the machine is kept from the first run on.
    await runHere(run('first.parquet', '--k', '3'));
    const calls = await countCalls(run('counted.parquet', '--k', '3'), join(own, 'count'));
    // The last four calls remove the shared and own blocks, and rename the output.
    await killAtCall(run('hits.parquet', '--k', '3'), calls - 3);
    const kept = (await readdir(join(own, 'blocks'))).find((name) => name.endsWith('.blocks'));
    const { decision } = JSON.parse(await readFile(join(own, 'blocks', kept!, 'decision.json'), 'utf8'));
    expect(await runHere(run('other.parquet', '--k', '4'))).toMatchObject({ resumedBlocks: 0 });
    expect(await runHere(run('other.parquet', '--k', '3', '--exclude-self'))).toMatchObject({ resumedBlocks: 0 });
    expect(await runHere(run('other.parquet', '--k', '3', '--range', '0:39'))).toMatchObject({ resumedBlocks: 0 });
    const changed = await writeShard(join(own, 'changed.h5'), sliceRows(queryRows, 1, 40));
    const others = run('other.parquet', '--k', '3').map((word) => (word === queries ? changed : word));
    expect(await runHere(others)).toMatchObject({ resumedBlocks: 0 });
    const { strategy, nprobes, estimates } = decision;
    expect(await runHere(run('hits.parquet', '--k', '3'))).toMatchObject({
      ...{ mode: strategy, nprobes, estimates, blocks: 3, resumedBlocks: 3 },
    });
    expect(await readdir(join(own, 'blocks'))).toEqual([]);
  });
});
