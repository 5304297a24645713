import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LANCEFLOW, type Measured, measure } from './run.ts';

export const BUCKET = 'bucket_00001';

/** Builds a new database of one shard. @returns the costs of ingest and index */
export async function buildTable(
  vectors: string,
  database: string,
  { ingest, index }: { ingest: readonly string[]; index: readonly string[] },
): Promise<{ ingest: Measured; index: Measured }> {
  await rm(database, { recursive: true, force: true });
  await mkdir(database, { recursive: true });
  const plan = `${database}.plan.json`;
  await measure(LANCEFLOW, ['pack-buckets', '--input', vectors, '--output', plan, '--json']);
  const bucket = ['--bucket', BUCKET, '--database', database, '--json'];
  return {
    ingest: await measure(LANCEFLOW, ['ingest-bucket', '--plan', plan, ...bucket, ...ingest]),
    index: await measure(LANCEFLOW, ['index-bucket', ...bucket, ...index]),
  };
}

/** Ingests without an index. */
export async function ingestTable(vectors: string, folder: string, options: readonly string[]): Promise<Measured> {
  const database = join(folder, 'database');
  await rm(database, { recursive: true, force: true });
  const plan = join(folder, 'plan.json');
  await measure(LANCEFLOW, ['pack-buckets', '--input', vectors, '--output', plan, '--json']);
  const bucket = ['--bucket', BUCKET, '--database', database];
  const cost = await measure(LANCEFLOW, ['ingest-bucket', '--plan', plan, ...bucket, ...options, '--json']);
  await rm(database, { recursive: true, force: true });
  return cost;
}
