// @module-tag slow

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { sharedFolder } from '../support/run.ts';
import { killInTheMiddle, momentOf, processes, processTree, writerOf } from './support/kill.ts';
import { countTasks, pipeline, startPipeline } from './support/nextflow.ts';
import { writeShard } from './support/shards.ts';

const ROWS = 2000;
const BUCKET = 'bucket_00002';
const BUILD = ['--input', 'in', '--queries', 'queries.h5', '--database', 'db', '--bucket_size', `${ROWS}`];
// Training an index is random: with every partition probed and every candidate rescored, its hits are exact nevertheless.
const ANN = [...BUILD, '--search', 'ann', '--nprobes', '100', '--refine_factor', `${ROWS}`];
const EXACT = [...BUILD, '--search', 'exact'];

/** Creates a folder with two shards, which become two buckets, and a query set: the same bytes every time. */
async function inputs(): Promise<string> {
  const folder = await sharedFolder();
  await mkdir(join(folder, 'in'));
  for (const i of [1, 2]) await writeShard(join(folder, `in/s${i}.h5`), `s${i}_`, ROWS, 128, i);
  await writeShard(join(folder, 'queries.h5'), 'q', 20, 128, 99);
  return folder;
}

async function neighbours(folder: string): Promise<string> {
  return readFile(join(folder, 'results/neighbours.csv'), 'utf8');
}

async function unfinished(folder: string): Promise<string[]> {
  return (await readdir(join(folder, 'db'))).filter((name) => name.endsWith('.tmp'));
}

/** Each test resumes the run that the test before it has ended: it could not reach its own stage if that failed. */
describe('a run that is killed in every stage and resumed has the neighbours of an undisturbed run', {
  timeout: 400_000,
}, () => {
  let undisturbed: string;
  let exact: string;
  let folder: string;

  beforeAll(async () => {
    folder = await inputs();
    const other = await inputs();
    await pipeline(ANN, other);
    undisturbed = await neighbours(other);
    await pipeline([...EXACT, '-resume'], other);
    exact = await neighbours(other);
    expect(undisturbed.split('\n')).toHaveLength(1 + 20 * 10 + 1);
  });

  const resume = () => startPipeline([...ANN, '-resume'], folder);

  test('Ctrl-C leaves no process and no unfinished file', async () => {
    const run = resume();
    const ended = once(run, 'exit');
    await momentOf(run, 'ingest writes', () => writerOf(join(folder, 'db'), BUCKET));
    const tree = await processTree(run.pid!);
    run.kill('SIGINT');
    const [code] = (await ended) as [number | null];
    expect(code).not.toBe(0);

    // The workers may still be removing their unfinished files.
    const survivors = async () => {
      const alive = (await processes()).map(({ pid }) => pid);
      return tree.filter(({ pid }) => alive.includes(pid));
    };
    await expect.poll(survivors).toEqual([]);
    expect(await unfinished(folder)).toEqual([]);
  });

  test('killed in the middle of ingest', async () => {
    const run = resume();
    const worker = await momentOf(run, 'ingest writes', () => writerOf(join(folder, 'db'), BUCKET));
    await killInTheMiddle(run, worker);
    expect(existsSync(join(folder, `db/${BUCKET}.lance`))).toBe(false);
  });

  test('killed in the middle of index', async () => {
    const run = resume();
    const table = join(folder, `db/${BUCKET}.lance`);
    const worker = await momentOf(run, 'index writes', async () =>
      existsSync(table) ? writerOf(join(folder, 'db'), BUCKET) : undefined,
    );
    await killInTheMiddle(run, worker);
    expect(existsSync(join(folder, `db/_catalog/${BUCKET}.json`))).toBe(false);
  });

  test('killed in the middle of search', async () => {
    const run = resume();
    const worker = await momentOf(run, 'the search runs', async () => {
      const tree = await processTree(run.pid!);
      return tree.find(({ command }) => command.includes(`cli.ts search-bucket --bucket ${BUCKET}`))?.pid;
    });
    await killInTheMiddle(run, worker);
  });

  test('resumed to its end', async () => {
    await pipeline([...ANN, '-resume'], folder);
    expect(await unfinished(folder)).toEqual([]);
    expect(await neighbours(folder)).toBe(undisturbed);
    const { ran, cached } = await countTasks(join(folder, 'results'));
    expect(cached).toMatchObject({ DESCRIBE_SHARD: expect.any(Number), PACK_BUCKETS: 1, INGEST_BUCKET: 2 });
    expect(ran.SEARCH_BUCKET).toBeGreaterThan(0);

    await pipeline([...EXACT, '-resume'], folder);
    expect(await neighbours(folder)).toBe(exact);
  });
});
