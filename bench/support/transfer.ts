import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { s3Env, startS3Server, VERSITYGW } from '../../test/support/s3-server.ts';
import { ROOT, say } from './run.ts';

/** Runs a program that transfers files; measures it. */
type Record = (stage: 'publish' | 'fetch', program: string, args: readonly string[]) => Promise<void>;

/** Sends a table to an S3 server on this machine and back, each by a process of its own; skipped without versitygw. */
export async function transferTable(folder: string, table: string, record: Record): Promise<void> {
  if (!VERSITYGW) return say('publish and fetch are skipped: versitygw is missing (npm run setup:s3)');
  const server = await startS3Server('versitygw', ['bench'], { parent: folder });
  Object.assign(process.env, s3Env(server.endpoint));
  const [script, uri] = [join(ROOT, 'bench/s3/lanceflow.ts'), 's3://bench/table'];
  const [catalog, fetched] = [join(folder, 'files.json'), join(folder, 'fetched')];
  try {
    await record('publish', process.execPath, [script, 'up', uri, table, catalog]);
    await mkdir(fetched, { recursive: true });
    await record('fetch', process.execPath, [script, 'down', uri, fetched, catalog]);
  } finally {
    await server.stop();
    await rm(fetched, { recursive: true, force: true });
  }
}
