// @module-tag slow

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/run.ts';
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
async function inputs(inTest = true): Promise<string> {
  const folder = await (inTest ? temporaryFolder() : mkdtemp(join(tmpdir(), 'lanceflow-test-')));
  await mkdir(join(folder, 'in'));
  for (const i of [1, 2]) await writeShard(join(folder, `in/s${i}.h5`), `s${i}_`, ROWS, 128, i);
  await writeShard(join(folder, 'queries.h5'), 'q', 20, 128, 99);
  return folder;
}

async function neighbours(folder: string): Promise<string> {
  return readFile(join(folder, 'results/neighbours.csv'), 'utf8');
}

/** Resumes a killed run. @returns its neighbours */
async function goOn(folder: string): Promise<string> {
  await pipeline([...ANN, '-resume'], folder);
  expect(await unfinished(folder)).toEqual([]);
  return neighbours(folder);
}

async function unfinished(folder: string): Promise<string[]> {
  return (await readdir(join(folder, 'db'))).filter((name) => name.endsWith('.tmp'));
}

describe('a killed run, resumed, has the neighbours of an undisturbed run', { timeout: 400_000 }, () => {
  let undisturbed: string;
  let exact: string;

  beforeAll(async () => {
    const folder = await inputs(false);
    await pipeline(ANN, folder);
    undisturbed = await neighbours(folder);
    await pipeline([...EXACT, '-resume'], folder);
    exact = await neighbours(folder);
    expect(undisturbed.split('\n')).toHaveLength(1 + 20 * 10 + 1);
    await rm(folder, { recursive: true });
  }, 400_000);

  test('killed in the middle of ingest', async () => {
    const folder = await inputs();
    const run = startPipeline(ANN, folder);
    const worker = await momentOf(run, 'ingest writes', () => writerOf(join(folder, 'db'), BUCKET));
    await killInTheMiddle(run, worker);
    expect(existsSync(join(folder, `db/${BUCKET}.lance`))).toBe(false);

    expect(await goOn(folder)).toBe(undisturbed);
    await pipeline([...EXACT, '-resume'], folder);
    expect(await neighbours(folder)).toBe(exact);
  });

  test('killed in the middle of index', async () => {
    const folder = await inputs();
    const run = startPipeline(ANN, folder);
    const table = join(folder, `db/${BUCKET}.lance`);
    const worker = await momentOf(run, 'index writes', async () =>
      existsSync(table) ? writerOf(join(folder, 'db'), BUCKET) : undefined,
    );
    await killInTheMiddle(run, worker);
    expect(existsSync(join(folder, `db/_catalog/${BUCKET}.json`))).toBe(false);

    expect(await goOn(folder)).toBe(undisturbed);
  });

  test('killed in the middle of search', async () => {
    const folder = await inputs();
    const run = startPipeline(ANN, folder);
    const worker = await momentOf(run, 'the search runs', async () => {
      const tree = await processTree(run.pid!);
      return tree.find(({ command }) => command.includes(`cli.ts search-bucket --bucket ${BUCKET}`))?.pid;
    });
    await killInTheMiddle(run, worker);

    expect(await goOn(folder)).toBe(undisturbed);
    const { ran, cached } = await countTasks(join(folder, 'results'));
    expect(cached).toMatchObject({ DESCRIBE_SHARD: expect.any(Number), PACK_BUCKETS: 1, INGEST_BUCKET: 2 });
    expect(ran.SEARCH_BUCKET).toBeGreaterThan(0);
  });

  test('Ctrl-C leaves no process and no unfinished file', async () => {
    const folder = await inputs();
    const run = startPipeline(ANN, folder);
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
    await expect.poll(survivors, { timeout: 20_000 }).toEqual([]);
    expect(await unfinished(folder)).toEqual([]);

    expect(await goOn(folder)).toBe(undisturbed);
  });
});
