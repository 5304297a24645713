import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tools } from '../engine/case.ts';
import type { Vectors } from '../oracle/vectors.ts';
import { someRows, writeRows } from './rows.ts';

/** Enough rows for partitions (from 1,024 rows on) and an index (from 256 on). */
const FIRST_ROWS = 1100;
const SECOND_ROWS = 300;
export const K = 5;

export const FIRST: Vectors = someRows(1, FIRST_ROWS, 16, 'a');
export const SECOND: Vectors = someRows(2, SECOND_ROWS, 16, 'b');
export const QUERIES: Vectors = someRows(3, 12, 16, 'q');
const MODEL = { model: 'm', model_hash: 'h1' };
export const BUCKET = ['--bucket', 'bucket_00001'] as const;
export const ON_DB = [...BUCKET, '--database', 'db'] as const;

/** All files of a build and a search, after each stage. */
export interface World {
  /** `a.h5 b.h5 q.h5 a.description b.description plan.json planned/ ingested/ db/ hits/ truth/ reports/ neighbours.parquet` */
  folder: string;
  /** Copies some of the files into a new folder, under other names where given. @returns the folder */
  template(name: string, files: Readonly<Record<string, string>>): Promise<string>;
}

let made: Promise<World> | undefined;

/** Creates the world once, with the commands themselves, for all formats. */
export function theWorld(folder: string, tools: Tools): Promise<World> {
  made ??= makeWorld(join(folder, '..', 'world'), tools);
  return made;
}

/** Forgets the world, for another campaign in the same process. */
export function forgetWorld(): void {
  made = undefined;
}

async function makeWorld(folder: string, { run }: Tools): Promise<World> {
  await mkdir(folder, { recursive: true });
  await writeRows(join(folder, 'a.h5'), FIRST, MODEL);
  await writeRows(join(folder, 'b.h5'), SECOND, MODEL);
  await writeRows(join(folder, 'q.h5'), QUERIES, MODEL);
  const described = ['a', 'b'].map((name) => [
    'describe-shard',
    '--input',
    `${name}.h5`,
    '--output',
    `${name}.description`,
  ]);
  const pack = ['pack-buckets', '--input', 'a.h5', 'b.h5', '--bucket-size', `${FIRST_ROWS}`, '--database', 'db'];
  const reports: unknown[] = await run(folder, ...described, [...pack, '--output', 'plan.json']);
  await cp(join(folder, 'db'), join(folder, 'planned'), { recursive: true });
  const buckets = ['bucket_00001', 'bucket_00002'];
  const on = (bucket: string) => ['--bucket', bucket, '--database', 'db'];
  reports.push(
    ...(await run(folder, ...buckets.map((bucket) => ['ingest-bucket', '--plan', 'plan.json', ...on(bucket)]))),
  );
  await cp(join(folder, 'db'), join(folder, 'ingested'), { recursive: true });
  reports.push(...(await run(folder, ...buckets.map((bucket) => ['index-bucket', ...on(bucket)]))));
  const found = buckets.map((bucket) => [
    ...['search-bucket', ...on(bucket), '--queries', 'q.h5', '--k', `${K}`, '--search', 'ann'],
    ...['--output', `hits/${bucket}.parquet`, '--truth', `truth/${bucket}.parquet`],
  ]);
  const merge = ['merge-hits', '--input', ...buckets.map((bucket) => `hits/${bucket}.parquet`), '--k', `${K}`];
  reports.push(...(await run(folder, ...found, [...merge, '--output', 'neighbours.parquet'])));
  await mkdir(join(folder, 'reports'));
  for (const [i, report] of reports.entries())
    await writeFile(join(folder, 'reports', `${i}.json`), `${JSON.stringify(report)}\n`);
  return {
    folder,
    async template(name, files) {
      const target = join(folder, '..', 'templates', name);
      for (const [from, to] of Object.entries(files))
        await cp(join(folder, from), join(target, to), { recursive: true });
      return target;
    },
  };
}

/** Lists the files in a folder of a template, by their paths in the template. */
export async function filesIn(template: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(template, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(template.length + 1))
    .sort();
}
