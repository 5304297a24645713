import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openRemote } from '../../../workers/src/database/s3/s3-database.ts';
import type { PublishEarly } from '../../../workers/src/database/table-publisher.ts';
import { openUploads } from '../../../workers/src/s3/transfer/open-uploads.ts';
import { makeFiles } from '../../s3/support/files.ts';
import { runHere } from '../../support/command.ts';
import { buildDatabase } from '../../support/database.ts';
import { every, type Seen } from '../../support/fault-proxy.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { lanceflow, ROOT, temporaryFolder } from '../../support/run.ts';
import { missingServer, useS3, withFaultProxy } from '../../support/s3.ts';
import { at, objectsOf } from '../../support/s3-database.ts';
import { withSearchedRows } from '../../support/searched-rows.ts';
import { sliceRows, writeShard } from '../../support/shards.ts';
import { waitUntil } from '../../support/wait.ts';

const BUCKET = ['--bucket', 'bucket_00001'];
const MARK = '_pending/bucket_00001.publishing';
/** Ingest of these rows writes 60 data files or more. */
const SMALL_UNITS = { LANCEFLOW_UNIT_BYTES: '4096' };

const isData = ({ method, url }: Seen) => method === 'PUT' && url.includes('/data/');
const kind = missingServer('versitygw') ? 'moto' : 'versitygw';

describe.skipIf(missingServer(kind))('files that are published while their table is built', () => {
  const held = withFaultProxy(kind);
  const searched = withSearchedRows();

  /** Plans a build in a new database on S3, whose process goes through the proxy. */
  async function planned(name: string) {
    useS3({ ...held.server.env, ...SMALL_UNITS });
    const database = `s3://lance/${name}`;
    const work = await temporaryFolder();
    const plan = join(work, 'plan.json');
    await runHere(['pack-buckets', '--input', searched.shard, '--database', database, '--output', plan]);
    const on = [...BUCKET, '--database', database, '--work', work];
    const env = { ...process.env, ...held.proxy.env, LANCEFLOW_S3_GIVE_UP_MS: '3000' };
    const names = async () => [...(await objectsOf(await at(name))).keys()];
    return {
      database,
      work,
      env,
      names,
      ingest: ['ingest-bucket', '--plan', plan, ...on],
      index: ['index-bucket', ...on],
    };
  }

  /** Runs a command and sends it a signal before its n-th upload of a data file; later ones get no answer. @returns its end */
  async function signalAtData(argv: string[], env: NodeJS.ProcessEnv, n: number, signal: NodeJS.Signals) {
    const child = spawn(join(ROOT, 'bin/lanceflow'), argv, { env, stdio: 'ignore' });
    let count = 0;
    let sentMs = 0;
    held.proxy.rule = (seen) => {
      if (!isData(seen) || ++count < n) return undefined;
      if (sentMs === 0) {
        sentMs = performance.now();
        child.kill(signal);
      }
      return { noAnswer: true };
    };
    const [code, ended] = (await once(child, 'exit')) as [number | null, string | null];
    held.proxy.rule = () => undefined;
    expect(count).toBeGreaterThanOrEqual(n);
    return { code, signal: ended, seconds: (performance.now() - sentMs) / 1000 };
  }

  async function expectComplete({ database, names, work }: Awaited<ReturnType<typeof planned>>): Promise<void> {
    expect((await searched.search(database)).equals(searched.expected)).toBe(true);
    expect(await runHere(['verify', '--database', database])).toMatchObject({ rows: 1500, orphans: [] });
    expect((await names()).filter((name) => name.startsWith('_pending/'))).toEqual([]);
    const { entries } = await runHere(['catalog', '--database', database, '--json']);
    const [{ files }] = entries as [{ files: { path: string }[] }];
    const paths = files.map(({ path }) => `bucket_00001.lance/${path}`);
    expect((await names()).filter((name) => name.startsWith('bucket_00001.lance/')).sort()).toEqual(paths.sort());
    expect((await readdir(work)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  }

  it('are there before the table is', async () => {
    useS3(held.server.env);
    const { publisher } = await openRemote('s3://lance/parts');
    const s3 = await at('parts');
    const from = await temporaryFolder();
    const { database } = await buildDatabase(from, [searched.shard]);
    const { entries } = await runHere(['catalog', '--database', database, '--json']);
    const [{ files }] = entries as [{ files: { path: string; bytes: number; checksum: string }[] }];
    const [data] = files.filter(({ path }) => path.startsWith('data/'));
    const folderOfTable = join(database, 'bucket_00001.lance');
    const table = { bucket: 'bucket_00001', folder: folderOfTable, bytes: 1000, lost: new AbortController().signal };
    const { result, files: early } = await publisher.publishEarly(table, async (publish) => {
      publish(data!);
      const path = `bucket_00001.lance/${data!.path}`;
      await waitUntil(`${path} is there`, async () => (await objectsOf(s3)).has(path));
      return 'built';
    });
    expect([result, early]).toEqual(['built', [data]]);
    expect(await publisher.contents()).toMatchObject({
      leftovers: [expect.stringMatching(/^bucket_00001\.lance has /)],
    });
  });

  it('fail the build at the next file, with the reason of the first failure', async () => {
    useS3({ ...held.proxy.env, LANCEFLOW_S3_GIVE_UP_MS: '500' });
    const { publisher } = await openRemote('s3://lance/denied');
    held.proxy.rule = (seen) => (isData(seen) ? { status: 403, code: 'AccessDenied' } : undefined);
    const table = { bucket: 'b', folder: await temporaryFolder(), bytes: 1, lost: new AbortController().signal };
    const path = await writeShard(join(table.folder, 'data/x'), sliceRows(searched.rows, 0, 5)).then(() => 'data/x');
    const bytes = (await readFile(join(table.folder, path))).length;
    let calls = 0;
    const use = async (publish: PublishEarly) => {
      for (; ; calls++) {
        publish({ path, bytes, checksum: 'crc64nvme:0000000000000000' });
        await sleep(20);
      }
    };
    await expect(publisher.publishEarly(table, use)).rejects.toThrow(/^PutObject .*\/data\/x: access denied/);
    expect(calls).toBeGreaterThan(0);
  });

  it('leave no upload open when the build fails', async () => {
    useS3(held.proxy.env);
    const { publisher } = await openRemote('s3://lance/failed');
    const parent = await temporaryFolder();
    const [large] = await makeFiles(parent, [40 * 2 ** 20]);
    const { bytes, checksum, key: path } = large!;
    const table = { bucket: 'b', folder: parent, bytes, lost: new AbortController().signal };
    const isSecondPart = ({ url }: Seen) => url.includes('partNumber=2');
    held.proxy.rule = (seen) => (isSecondPart(seen) ? { noAnswer: true } : undefined);
    const failed = publisher.publishEarly(table, async (publish) => {
      publish({ path, bytes, checksum });
      await waitUntil('the second part is sent', () => held.proxy.seen.some(isSecondPart));
      throw new Error('of the build');
    });
    await expect(failed).rejects.toThrow('of the build');
    held.proxy.rule = () => undefined;
    for await (const upload of openUploads(await at('failed'), '')) expect(upload).toBeUndefined();
  });

  it.each([1, 20])('are used again after a kill before file %i', async (n) => {
    const build = await planned(`killed-${n}`);
    expect(await signalAtData(build.ingest, build.env, n, 'SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
    const before = await build.names();
    expect(before).toContain(MARK);
    expect(before.some((name) => /_catalog|_versions/.test(name))).toBe(false);
    const sent = before.filter((name) => name.includes('/data/'));
    held.proxy.seen.length = 0;
    expect(await lanceflow(build.ingest, { env: build.env })).toMatchObject({ code: 0 });
    const again = held.proxy.seen.filter(isData).map(({ url }) => url);
    expect(again.length).toBeGreaterThan(10);
    for (const name of sent) expect(again.some((url) => url.includes(name))).toBe(false);
    await runHere(build.index);
    await expectComplete(build);
  });

  it('of another build leave the published version as it is, and are removed after a kill', async () => {
    const build = await planned('replaced');
    await runHere(build.ingest);
    await runHere(build.index);
    const complete = await build.names();
    const other = [...build.ingest, '--metric', 'l2'];
    const killed = async (n: number) => {
      expect(await signalAtData(other, build.env, n, 'SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
      expect(await build.names()).toEqual(expect.arrayContaining(complete));
      expect((await build.names()).length).toBeGreaterThan(complete.length + 1);
      expect((await searched.search(build.database)).equals(searched.expected)).toBe(true);
      expect((await searched.search(build.database, '--stream')).equals(searched.expected)).toBe(true);
      const { orphans } = await runHere(['verify', '--database', build.database]);
      expect(orphans).toEqual([
        expect.stringMatching(/^bucket_00001\.lance has files of a version that is being built/),
      ]);
    };
    for (const again of [build.ingest, build.index]) {
      await killed(20);
      expect(await runHere(again)).toMatchObject({ alreadyDone: true });
      await expectComplete(build);
    }
    // Another index of the published rows does not take the others for rows of the table.
    await killed(20);
    await runHere([...build.index, '--index', 'ivf-pq']);
    await expectComplete(build);
  });

  it('are removed after a kill where another client has made a version since, whose files stay', async () => {
    const build = await planned('indexed-by-others');
    await runHere(build.ingest);
    await runHere(build.index);
    const complete = await build.names();
    const other = [...build.ingest, '--metric', 'l2'];
    expect(await signalAtData(other, build.env, 20, 'SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
    const early = (await build.names()).filter((name) => name.includes('/data/') && !complete.includes(name));
    expect(early.length).toBeGreaterThan(0);
    useS3(held.server.env);
    const table = await (await openRemote(build.database)).tables.open('bucket_00001');
    await table.createIndex('id');
    table.close();
    expect(await runHere(build.index)).toMatchObject({ alreadyDone: true });
    const now = await build.names();
    expect(now).not.toContain(MARK);
    for (const name of early) expect(now).not.toContain(name);
    expect(now).toEqual(expect.arrayContaining(complete));
    expect(now.filter((name) => name.includes('/_versions/')).length).toBeGreaterThan(1);
    // The table is as it was ingested.
    await runHere([...build.index, '--index', 'ivf-pq']);
    await expectComplete(build);
  });

  it('stop within seconds on SIGTERM', async () => {
    const build = await planned('stopped');
    // Far more than a busy machine takes to stop: only a process that waits for S3 takes as long.
    const env = { ...build.env, LANCEFLOW_S3_GIVE_UP_MS: '120000' };
    const { code, signal, seconds } = await signalAtData(build.ingest, env, 15, 'SIGTERM');
    expect(signal === 'SIGTERM' || code === 143).toBe(true);
    expect(seconds).toBeLessThan(60);
    expect((await readdir(build.work)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    await runHere(build.ingest);
    await runHere(build.index);
    await expectComplete(build);
  });

  it('survive passing faults, and end the build with 75 where they last', async () => {
    const build = await planned('faults');
    held.proxy.rule = (seen) => (isData(seen) ? { status: 503, code: 'SlowDown' } : undefined);
    useS3(build.env);
    await expectRefusal(
      build.ingest,
      75,
      /PutObject s3:\/\/lance\/faults\/bucket_00001\.lance\/data\/.*: S3 asks to slow down/,
    );
    const env = { ...build.env, LANCEFLOW_S3_GIVE_UP_MS: '40000' };
    held.proxy.rule = every(3, isData, { status: 500, code: 'InternalError' });
    expect(await lanceflow(build.ingest, { env })).toMatchObject({ code: 0 });
    held.proxy.rule = every(2, ({ method, url }) => method === 'PUT' && url.includes('.idx'), {
      status: 500,
      code: 'InternalError',
    });
    expect(await lanceflow(build.index, { env })).toMatchObject({ code: 0 });
    held.proxy.rule = () => undefined;
    await expectComplete(build);
    for await (const upload of openUploads(await at('faults'), '')) expect(upload).toBeUndefined();
  });
});
