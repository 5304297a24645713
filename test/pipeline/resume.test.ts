// @module-tag slow

import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Database } from '../../workers/src/database/database.ts';
import { runHere } from '../support/command.ts';
import { temporaryFolder } from '../support/run.ts';
import { copyPipeline, countTasks, nextflow, pipeline, readTrace, snapshot } from './support/nextflow.ts';
import { fasta } from './support/proteins.ts';

const ARGS = [
  ...['--input', 'in', '--queries', 'queries.fasta', '--model', 'kmer', '--database', 'db'],
  ...['--bucket_size', '300', '--vector_type', 'float16', '--search', 'exact', '-resume'],
];

/** Checks that commands have written events and metrics into a folder. @param commands sorted */
async function expectMonitored(folder: string, commands: readonly string[]): Promise<void> {
  const names = (await readdir(folder)).sort();
  const runs = names.filter((name) => name.endsWith('.ndjson')).map((name) => name.replace('.ndjson', ''));
  expect(runs.map((run) => run.replace(/-[0-9a-f]{8}-.*/, ''))).toEqual(commands);
  expect(names).toEqual(runs.flatMap((run) => [`${run}.ndjson`, `${run}.prom`]));
  for (const run of runs) {
    const events = (await readFile(join(folder, `${run}.ndjson`), 'utf8')).trimEnd().split('\n');
    expect([events.at(0), events.at(-1)].map((event) => JSON.parse(event!).type)).toEqual(['start', 'result']);
    expect(await readFile(join(folder, `${run}.prom`), 'utf8')).toMatch(/^lanceflow_running\{.*\} 0$/m);
  }
}

test('-resume repeats the stages that a change affects, and no others', { timeout: 600_000 }, async () => {
  const folder = await temporaryFolder();
  const outdir = join(folder, 'results');
  // A copy, because one step changes a worker.
  const home = await copyPipeline(join(folder, 'lanceflow'), true);
  await mkdir(join(folder, 'in'));
  await writeFile(join(folder, 'in/a.fasta'), fasta('a', 300, 1));
  await writeFile(join(folder, 'in/b.fasta'), fasta('b', 300, 2));
  await writeFile(join(folder, 'queries.fasta'), fasta('q', 10, 3));
  const database = () => snapshot(join(folder, 'db'));
  const neighbours = () => readFile(join(outdir, 'neighbours.csv'), 'utf8');

  await pipeline(ARGS, folder, home);
  const built = { PACK_BUCKETS: 1, INGEST_BUCKET: 2, INDEX_BUCKET: 2 };
  const search = { SEARCH_BUCKET: 2, MERGE_HITS: 1, RENDER_REPORT: 1 };
  expect(await countTasks(outdir)).toEqual({ ran: { EMBED_SEQUENCES: 3, ...built, ...search }, cached: {} });
  const tables = await database();
  const answer = await neighbours();

  // Nothing changed.
  await pipeline(ARGS, folder, home);
  expect(await countTasks(outdir)).toEqual({ ran: {}, cached: { ...built, ...search } });

  // Another k. --monitoring does not change what is found, and the tasks that run write events and metrics.
  const monitoring = join(folder, 'monitoring');
  await pipeline([...ARGS, '--k', '3', '--monitoring', monitoring], folder, home);
  expect(await countTasks(outdir)).toEqual({ ran: search, cached: built });
  await expectMonitored(monitoring, ['merge-hits', 'render-report', 'search-bucket', 'search-bucket']);
  const lines = (text: string) => text.trimEnd().split('\n');
  expect(lines(await neighbours())).toEqual(
    lines(answer).filter((line, i) => i === 0 || Number(line.split(',')[1]) <= 3),
  );
  expect(await database()).toEqual(tables);

  // A search without a build has the same neighbours, and embeds nothing.
  const alone = ['--queries', 'queries.fasta', '--model', 'kmer', '--database', 'db', '--search', 'exact'];
  await pipeline([...alone, '--outdir', 'alone'], folder, home);
  expect(await readFile(join(folder, 'alone/neighbours.csv'), 'utf8')).toBe(answer);
  expect((await countTasks(join(folder, 'alone'))).ran).toEqual(search);

  // An added file: only it is embedded, and it becomes a bucket. -resume goes back to the search.
  await writeFile(join(folder, 'in/c.fasta'), fasta('c', 300, 4));
  await pipeline(ARGS, folder, home);
  expect(await countTasks(outdir)).toEqual({
    ran: {
      ...{ EMBED_SEQUENCES: 1, PACK_BUCKETS: 1, INGEST_BUCKET: 1, INDEX_BUCKET: 1 },
      ...{ SEARCH_BUCKET: 1, MERGE_HITS: 1, RENDER_REPORT: 1 },
    },
    cached: { SEARCH_BUCKET: 2 },
  });
  const grown = await database();
  expect(grown.has('_catalog/bucket_00003.json')).toBe(true);
  for (const [path, content] of tables) expect(grown.get(path)?.equals(content), path).toBe(true);
  const others = [...grown.keys()].filter((path) => !tables.has(path) && !path.includes('bucket_00003'));
  expect(others).toEqual([]);

  // --check_ids refuses ids that the database has; the results of the previous run stay.
  const again = fasta('a', 5, 9);
  await writeFile(join(folder, 'again.fasta'), again);
  const checked = ['--input', 'again.fasta', '--model', 'kmer', '--database', 'db', '--check_ids', '-resume'];
  const refused = await nextflow(['run', join(home, 'main.nf'), ...checked], folder);
  expect(refused.code).not.toBe(0);
  expect(refused.stdout).toMatch(/again\.fasta: row 0: the id "a0*\w*" is also the id of row \d+ of bucket_00001/);
  expect(await database()).toEqual(grown);

  // Deleted rows: their bucket is searched again, also with -resume, and they stay away.
  const nearest = lines(await neighbours()).slice(1);
  const withdrawn = [...new Set(nearest.map((line) => line.split(',')[2]!).filter((id) => id.startsWith('b')))];
  expect(withdrawn.length).toBeGreaterThan(0);
  await writeFile(join(folder, 'withdrawn.txt'), withdrawn.join('\n'));
  await runHere(['delete', '--database', join(folder, 'db'), '--ids', join(folder, 'withdrawn.txt')]);

  // A changed worker: its stage and those that follow run again, for the bucket of this run's plan.
  await appendFile(join(home, 'workers/src/commands/index-bucket.ts'), '\n// changed\n');
  await pipeline(ARGS, folder, home);
  const { ran, cached } = await countTasks(outdir);
  expect(cached).toEqual({ PACK_BUCKETS: 1, INGEST_BUCKET: 1, SEARCH_BUCKET: 1 });
  expect(ran).toEqual({ INDEX_BUCKET: 1, SEARCH_BUCKET: 2, MERGE_HITS: 1, RENDER_REPORT: 1 });
  const searched = (await readTrace(outdir)).filter(({ process }) => process === 'SEARCH_BUCKET');
  const repeated = searched.filter(({ status }) => status !== 'CACHED').map(({ tag }) => tag);
  expect(repeated.sort()).toEqual(['bucket_00002', 'bucket_00003']);
  const targets = async () => lines(await neighbours()).map((line) => line.split(',')[2]!);
  expect((await targets()).filter((id) => withdrawn.includes(id))).toEqual([]);

  // Without -resume only new and changed files are embedded, and the database holds the rows of the others: no other table changes. The
  // earlier version of a changed file goes, with the bucket that had its rows alone.
  const before = await database();
  await writeFile(join(folder, 'in/d.fasta'), fasta('d', 300, 5));
  await writeFile(join(folder, 'in/a.fasta'), fasta('a', 299, 6));
  await pipeline([...ARGS.slice(0, -1), '--replace'], folder, home);
  const last = (await countTasks(outdir)).ran;
  expect(last).toMatchObject({ EMBED_SEQUENCES: 2, INGEST_BUCKET: 2, DELETE_REPLACED: 1, SEARCH_BUCKET: 4 });
  const after = await database();
  expect([...after.keys()].filter((path) => path.includes('bucket_00001'))).toEqual([]);
  for (const [path, content] of before)
    if (!path.includes('bucket_00001')) expect(after.get(path)?.equals(content), path).toBe(true);
  const entries = await (await Database.open(join(folder, 'db'))).entries();
  expect(entries.map(({ rows }) => rows)).toEqual([300 - withdrawn.length, 300, 300, 299]);
  expect((await targets()).filter((id) => withdrawn.includes(id))).toEqual([]);
});
