import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { Table, writeParquet } from 'parquet-wasm';
import { describe, expect, it } from 'vitest';
import { DataError, UsageError } from '../../workers/src/base/errors.ts';
import { command } from '../../workers/src/commands/merge-hits.ts';
import { tableMetadata } from '../../workers/src/hits/neighbours-origin.ts';
import { originMetadata } from '../../workers/src/hits/origin.ts';
import { readHits } from '../../workers/src/hits/parquet/hits-reader.ts';
import { createHits } from '../../workers/src/hits/parquet/hits-writer.ts';
import { type Hit, naiveMerge, packedHits, sortedHits } from '../support/hits.ts';
import { lanceflow, lanceflowJson, temporaryFolder } from '../support/run.ts';

/** Makes hits of a bucket: `queries` queries, most of them with `each` targets, with ties. */
function makeHits(bucket: string, queries: number, each: number): Hit[] {
  return Array.from({ length: queries * each }, (_, i) => ({
    query: `q${Math.floor(i / each)}`,
    target: `${bucket}_é${(i * 7919) % 1000}`,
    distance: Math.fround(((i * 31) % 40) / 40),
    bucket,
  }));
}

async function writeHitsFile(path: string, hits: readonly Hit[], metadata: Record<string, string> = {}) {
  const writer = await createHits(path, metadata);
  const { queryIds, targetIds, distances } = packedHits(hits);
  await writer.append({ queryIds, targetIds, distances, bucket: hits[0]?.bucket ?? '' });
  await writer.finish();
}

async function rowsIn(path: string) {
  let rows = 0;
  for await (const { distances } of readHits(path)) rows += distances.length;
  return rows;
}

/** Runs the command in this process; it still starts its threads. */
async function merge(args: { input: string[]; k: number; output: string; csv?: string; threads?: number } & Options) {
  const logged: string[] = [];
  const log = (line: string) => logged.push(line);
  const context = { progress: () => ({ add() {}, stop() {} }), log, warn: log };
  const result = await command.run(
    {
      ...{
        _: [],
        $0: '',
        truth: [],
        compression: 'zstd',
        csv: undefined,
        csvSafe: false,
        'csv-safe': false,
        'max-evalue': undefined,
        maxEvalue: undefined,
        quiet: false,
        json: false,
        events: undefined,
        metrics: undefined,
      },
      ...{ threads: undefined, work: undefined, ...args },
    },
    context,
  );
  return { ...result, logged };
}
type Options = { compression?: 'zstd' | 'gzip' | 'none'; work?: string };

async function campaign(folder: string, buckets = 3) {
  const files = Array.from({ length: buckets }, (_, i) => makeHits(`bucket_${i}`, 50, 12));
  const paths = files.map((_, i) => join(folder, `hits${i}.parquet`));
  for (const [i, file] of files.entries())
    await writeHitsFile(paths[i]!, sortedHits(file), i === 0 ? {} : { 'lanceflow.bucket': `bucket_${i}` });
  return { files, paths };
}

const csvOf = (hits: readonly Hit[], k: number) =>
  `query_id,rank,target_id,distance,bucket\n${naiveMerge(hits, k)
    .map((row) => `${[row.query, row.rank, row.target, Number(row.distance.toPrecision(6)), row.bucket].join()}\n`)
    .join('')}`;

describe('merge-hits', () => {
  it('writes neighbours as Parquet and CSV, and reports', async () => {
    const folder = await temporaryFolder();
    const { files, paths } = await campaign(folder);
    const output = join(folder, 'out', 'neighbours.parquet');
    const csv = join(folder, 'out', 'neighbours.csv');
    const report = await lanceflowJson(
      ['merge-hits', '--input', ...paths].concat('--k', '10', '--output', output, '--csv', csv),
    );
    expect(report).toMatchObject({ command: 'merge-hits', rows: 500, queries: 50 });
    expect(report.bytes).toBe((await stat(output)).size + (await stat(csv)).size);
    expect(await readFile(csv, 'utf8')).toBe(csvOf(files.flat(), 10));
    expect(await rowsIn(output)).toBe(500);
    expect((await readdir(join(folder, 'out'))).sort()).toEqual(['neighbours.csv', 'neighbours.parquet']);
  });

  it('writes the same bytes for any order of inputs, number of threads and division into files', async () => {
    const folder = await temporaryFolder();
    const { files, paths } = await campaign(folder);
    const halves: string[] = [];
    for (const [i, file] of files.entries())
      for (const half of [0, 1]) {
        halves.push(join(folder, `half${i}.${half}.parquet`));
        await writeHitsFile(halves.at(-1)!, sortedHits(file.filter((_, row) => row % 2 === half)));
      }
    const outputs: [string, string][] = [];
    const outcome = async (input: string[], threads: number) => {
      const [output, csv] = [join(folder, 'n.parquet'), join(folder, 'n.csv.gz')];
      await merge({ input, k: 7, output, csv, threads });
      outputs.push([await readFile(output, 'base64'), await readFile(csv, 'base64')]);
    };
    await outcome(paths, 1);
    await outcome([...paths].reverse(), 3);
    await outcome(halves, 2);
    expect(outputs[1]).toEqual(outputs[0]);
    expect(outputs[2]).toEqual(outputs[0]);
    expect(gunzipSync(Buffer.from(outputs[0]![1], 'base64')).toString()).toBe(csvOf(files.flat(), 7));
  });

  it('drops neighbours by --max-evalue, and reports the queries that lose all', async () => {
    const folder = await temporaryFolder();
    const paths: string[] = [];
    for (const bucket of ['a', 'b']) {
      const rows = ['near', 'far'].map((query, i) => ({ query, target: `t${bucket}`, distance: i, bucket }));
      const range = { first: 0, end: 2 };
      const filters = { excludeSelf: false, maxDistance: Number.POSITIVE_INFINITY };
      const origin = { bucket, metric: 'l2', k: 3, ...filters, queries: 'hash', range };
      const metadata = { ...originMetadata(origin), ...tableMetadata('recipe', 1000) };
      paths.push(join(folder, `${bucket}.parquet`));
      const writer = await createHits(paths.at(-1)!, metadata, true);
      const pValues = Float32Array.of(2e-3, bucket === 'a' ? 1e-9 : 1e-3);
      await writer.append({ ...packedHits(sortedHits(rows)), bucket, pValues });
      await writer.finish();
    }
    const merged = (...options: string[]) =>
      lanceflowJson(
        ['merge-hits', '--k', '3', '--output', join(folder, 'n.parquet'), ...options].concat('--input', ...paths),
      );
    const far = { query: 'far', target: 'ta', bucket: 'a', distance: 1, evalue: 4 };
    expect(await merged('--max-evalue', '0.1')).toMatchObject({
      ...{ rows: 1, queries: 1, maxEvalue: 0.1 },
      droppedQueries: { count: 1, first: [far] },
    });
    const all = await merged();
    expect(all).toMatchObject({ rows: 4, queries: 2 });
    expect(all).not.toHaveProperty('droppedQueries');
  });

  it('sorts unsorted hits first, and logs it', async () => {
    const folder = await temporaryFolder();
    const { files, paths } = await campaign(folder);
    // As another tool writes them, in the order of its query set; the second file is sorted without the metadata that says so.
    for (const [i, hits] of [files[0]!, sortedHits(files[1]!)].entries()) {
      const table = tableFromArrays({
        query_id: hits.map(({ query }) => query),
        bucket: hits.map(({ bucket }) => bucket),
        distance: Float32Array.from(hits, ({ distance }) => distance),
        target_id: hits.map(({ target }) => target),
      });
      await writeFile(paths[i]!, writeParquet(Table.fromIPCStream(tableToIPC(table, 'stream'))));
    }
    const csv = join(folder, 'n.csv');
    const { logged } = await merge({ input: paths, k: 5, output: join(folder, 'n.parquet'), csv });
    expect(await readFile(csv, 'utf8')).toBe(csvOf(files.flat(), 5));
    expect(logged.join('\n')).toMatch(/hits0\.parquet was not sorted/);
    expect(logged.join('\n')).not.toMatch(/hits1\.parquet/);
    expect(await readdir(folder)).toHaveLength(5);
  });

  it('compresses by --compression', async () => {
    const folder = await temporaryFolder();
    const { paths } = await campaign(folder);
    const sizes: number[] = [];
    for (const compression of ['zstd', 'gzip', 'none'] as const) {
      const output = join(folder, `${compression}.out`);
      sizes.push((await merge({ input: paths, k: 9, output, compression })).bytes);
      expect(await rowsIn(output)).toBe(450);
    }
    expect(new Set(sizes).size).toBe(3);
    expect(Math.max(...sizes)).toBe(sizes[2]);
  });

  it('writes empty outputs with a header for no hits', async () => {
    const folder = await temporaryFolder();
    const input = join(folder, 'hits.parquet');
    await (await createHits(input)).finish();
    const [output, csv] = [join(folder, 'n.parquet'), join(folder, 'n.csv')];
    expect(await merge({ input: [input], k: 1, output, csv })).toMatchObject({ rows: 0, queries: 0 });
    expect(await readFile(csv, 'utf8')).toBe('query_id,rank,target_id,distance,bucket\n');
    expect(await rowsIn(output)).toBe(0);
  });

  it('refuses a wrong command line', async () => {
    const folder = await temporaryFolder();
    const { paths } = await campaign(folder, 1);
    const output = join(folder, 'n.parquet');
    const cases: [Partial<Parameters<typeof merge>[0]>, RegExp][] = [
      [{ k: 0 }, /--k must be a whole number from 1, not 0/],
      [{ k: 1.5 }, /--k must be/],
      [{ k: Number.NaN }, /--k must be/],
      [{ input: [] }, /--input names no file/],
      [{ input: [paths[0]!, `${folder}/./hits0.parquet`] }, /twice/],
      [{ output: paths[0]! }, /both input and output/],
      [{ csv: output }, /the same file/],
      [{ threads: 0 }, /--threads/],
    ];
    for (const [args, message] of cases) {
      const run = merge({ input: paths, k: 3, output, ...args });
      await expect(run).rejects.toThrow(message);
      await expect(run).rejects.toBeInstanceOf(UsageError);
    }
    const { code, stderr } = await lanceflow(['merge-hits', '--input', '--k', '1', '--output', output]);
    expect([code, stderr]).toEqual([64, expect.stringMatching(/input/)]);
    expect(await readdir(folder)).toEqual(['hits0.parquet']);
  });

  it('names a file that is missing, not Parquet, truncated or damaged, and leaves no file', async () => {
    const folder = await temporaryFolder();
    const { paths } = await campaign(folder, 2);
    const path = (name: string) => join(folder, name);
    const bytes = await readFile(paths[1]!);
    await writeFile(path('text.parquet'), 'query_id,target_id\n');
    await writeFile(path('empty.parquet'), '');
    await writeFile(path('cut.parquet'), bytes.subarray(0, -100));
    await writeFile(path('damaged.parquet'), bytes.fill(7, 200, bytes.length >> 1));
    const before = (await readdir(folder)).sort();
    for (const [name, message] of [
      ['none.parquet', /No such file.*none\.parquet/],
      ['text.parquet', /text\.parquet: this is not a Parquet file/],
      ['empty.parquet', /empty\.parquet: this is not a Parquet file/],
      ['cut.parquet', /cut\.parquet: cannot read its footer: the file is damaged or truncated/],
      ['.', /folder/],
    ] as const) {
      const args = { input: [paths[0]!, path(name)], k: 3, output: path('n.parquet'), csv: path('n.csv') };
      await expect(merge(args)).rejects.toThrow(message);
      await expect(merge(args)).rejects.toBeInstanceOf(DataError);
    }
    const damaged = await lanceflow(
      ['merge-hits', '--input', ...paths.slice(0, 1), path('damaged.parquet')].concat(
        ...['--k', '3', '--output', path('n.parquet'), '--csv', path('n.csv')],
      ),
    );
    expect(damaged.stderr).toMatch(/damaged\.parquet: cannot read its row group 0: the file is damaged/);
    expect(damaged.code).toBe(65);
    expect((await readdir(folder)).sort()).toEqual(before);
  });
});
