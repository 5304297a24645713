import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/run.ts';
import { killInTheMiddle, processTree, waitUntil, writerOf } from './support/kill.ts';
import { countTasks, pipeline, startPipeline } from './support/nextflow.ts';
import { writeShard } from './support/shards.ts';

const ROWS = 3000;
const BUCKET = 'bucket_00002';
const BUILD = ['--input', 'in', '--queries', 'queries.h5', '--database', 'db', '--bucket_size', `${ROWS}`];
// An index is trained from a random start: with every partition probed and every candidate compared exactly,
// its answer is the exact one all the same.
const ANN = [...BUILD, '--search', 'ann', '--nprobes', '100', '--refine_factor', `${ROWS}`];
const EXACT = [...BUILD, '--search', 'exact'];

interface Answers {
  ann: string;
  exact: string;
}

/** A folder with three shards, which make three buckets, and a query set; the same bytes every time. */
async function inputs(): Promise<string> {
  const folder = await temporaryFolder();
  const { mkdir } = await import('node:fs/promises');
  await mkdir(join(folder, 'in'));
  for (const i of [1, 2, 3]) await writeShard(join(folder, `in/s${i}.h5`), `s${i}_`, ROWS, 128, i);
  await writeShard(join(folder, 'queries.h5'), 'q', 20, 128, 99);
  return folder;
}

async function neighbours(folder: string): Promise<string> {
  return readFile(join(folder, 'results/neighbours.csv'), 'utf8');
}

/** What a killed run must arrive at when it goes on. */
async function goOn(folder: string): Promise<Answers> {
  await pipeline([...ANN, '-resume'], folder);
  const ann = await neighbours(folder);
  const leftovers = (await readdir(join(folder, 'db'))).filter((name) => name.endsWith('.tmp'));
  expect(leftovers).toEqual([]);
  await pipeline([...EXACT, '-resume'], folder);
  return { ann, exact: await neighbours(folder) };
}

describe('a run that was killed goes on to the answer of an undisturbed run', { timeout: 240_000 }, () => {
  let undisturbed: Answers;

  beforeAll(async () => {
    const folder = await inputs();
    await pipeline(ANN, folder);
    const ann = await neighbours(folder);
    await pipeline([...EXACT, '-resume'], folder);
    undisturbed = { ann, exact: await neighbours(folder) };
    expect(ann.split('\n')).toHaveLength(1 + 20 * 10 + 1);
  }, 240_000);

  test('killed in the middle of ingest', async () => {
    const folder = await inputs();
    const run = startPipeline(ANN, folder);
    const worker = await waitUntil(run, () => writerOf(join(folder, 'db'), BUCKET));
    await killInTheMiddle(run, worker);
    expect(existsSync(join(folder, `db/${BUCKET}.lance`))).toBe(false);

    expect(await goOn(folder)).toEqual(undisturbed);
  });

  test('killed in the middle of index', async () => {
    const folder = await inputs();
    const run = startPipeline(ANN, folder);
    const table = join(folder, `db/${BUCKET}.lance`);
    const worker = await waitUntil(run, async () =>
      existsSync(table) ? writerOf(join(folder, 'db'), BUCKET) : undefined,
    );
    await killInTheMiddle(run, worker);
    expect(existsSync(join(folder, `db/_catalog/${BUCKET}.json`))).toBe(false);

    expect(await goOn(folder)).toEqual(undisturbed);
  });

  test('killed in the middle of search', async () => {
    const folder = await inputs();
    const run = startPipeline(ANN, folder);
    const worker = await waitUntil(run, async () => {
      const tree = await processTree(run.pid!);
      return tree.find(({ command }) => command.includes(`cli.ts search-bucket --bucket ${BUCKET}`))?.pid;
    });
    await killInTheMiddle(run, worker);

    await pipeline([...ANN, '-resume'], folder);
    const { ran, cached } = await countTasks(join(folder, 'results'));
    expect(cached).toMatchObject({ PACK_BUCKETS: 1, INGEST_BUCKET: 3 });
    expect(ran.SEARCH_BUCKET).toBeGreaterThan(0);
    expect(await neighbours(folder)).toBe(undisturbed.ann);
  });

  test('stopped by Ctrl-C: nothing runs on, nothing half written stays', async () => {
    const folder = await inputs();
    const run = startPipeline(ANN, folder);
    const ended = once(run, 'exit');
    await waitUntil(run, () => writerOf(join(folder, 'db'), BUCKET));
    const tree = await processTree(run.pid!);
    run.kill('SIGINT');
    const [code] = (await ended) as [number | null];
    expect(code).not.toBe(0);

    const alive = (await processTree(process.pid)).map(({ pid }) => pid);
    const survivors = tree.filter(({ pid, command }) => alive.includes(pid) && command.includes('lanceflow'));
    expect(survivors).toEqual([]);
    await expect
      .poll(async () => (await readdir(join(folder, 'db'))).filter((name) => name.endsWith('.tmp')), {
        timeout: 10_000,
      })
      .toEqual([]);

    expect((await goOn(folder)).exact).toEqual(undisturbed.exact);
  });
});
