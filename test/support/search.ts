import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Metric } from '../../workers/src/vectors/metric.ts';
import { runHere, type Spoken } from './command.ts';
import { buildDatabase, readHitRows } from './database.ts';
import type { Hit } from './hits.ts';
import { type Rows, writeShard } from './shards.ts';

/** The kind of index that trains fastest; these tests do not search it. */
export const QUICK_INDEX = ['--index', 'ivf-rq'];

/** Rows of a table and queries, some of which are rows of the table. */
export interface SearchData {
  rows: Rows;
  queries: Rows;
}

/** Formats hits without their distances. */
export const textOf = (hits: Hit[]) => hits.map(({ query, target }) => `${query} ${target}`);

export function expectSameHits(found: Hit[], expected: Hit[], tolerance: number): void {
  expect(textOf(found)).toEqual(textOf(expected));
  for (const [i, { distance }] of found.entries())
    expect(Math.abs(distance - expected[i]!.distance)).toBeLessThanOrEqual(tolerance);
}

/** Builds a database of one bucket, and writes the queries beside it. */
export async function buildWithQueries(
  folder: string,
  { rows, queries }: SearchData,
  metric: Metric,
  options: string[] = [],
) {
  const shards = [await writeShard(join(folder, 'rows.h5'), rows)];
  const { database } = await buildDatabase(folder, shards, {
    ingest: ['--metric', metric, ...options],
    index: QUICK_INDEX,
  });
  return { database, queries: await writeShard(join(folder, 'queries.h5'), queries) };
}

/** Searches a bucket in this process. */
export async function searchHere(
  folder: string,
  database: string,
  queries: string,
  options: string[],
  bucket = 'bucket_00001',
  spoken?: Spoken,
) {
  const output = join(folder, `${bucket}.parquet`);
  const argv = ['search-bucket', '--bucket', bucket, '--database', database, '--queries', queries];
  const result = await runHere([...argv, '--output', output, ...options], spoken);
  return { result, hits: await readHitRows(output), bytes: await readFile(output) };
}
