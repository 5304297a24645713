import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasEnded, parseHead } from '../../workers/src/watch/head-process.ts';
import { readRunLog, readRuns } from '../../workers/src/watch/run-history.ts';
import { type RunState, TaskFolders } from '../../workers/src/watch/task-folders.ts';
import { watchText } from '../../workers/src/watch/watch-text.ts';
import { expectRefusalHere } from '../support/refusal.ts';
import { lanceflow, lanceflowJson, temporaryFolder } from '../support/run.ts';

const STARTED = '2026-03-01 12:00:00';
const startedMs = new Date('2026-03-01T12:00:00').getTime();

/** Creates the folder of a run as Nextflow writes it. @param status `-` while it runs @param head lines of the log about its process */
async function runFolder({ status = '-', duration = '-', workDir = 'work', head = '' } = {}): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, '.nextflow'));
  await mkdir(join(folder, 'work'));
  const line = (name: string, end: string) => [STARTED, duration, name, end, 'hash', 'id', 'nextflow run'].join('\t');
  await writeFile(join(folder, '.nextflow/history'), `${line('old_name', 'ERR')}\n${line('happy_curie', status)}\n`);
  const dir = workDir.includes('://') ? workDir : join(folder, workDir);
  await writeFile(
    join(folder, '.nextflow.log'),
    `x\nMar-01 [main] DEBUG nextflow.Session - Run name: happy_curie\n${head}Mar-01 [main] DEBUG nextflow.Session - Work-dir: ${dir} [ext2/ext3]\n`,
  );
  return folder;
}

/** Creates a task's folder. @param files by name; `begun` and `ended` say how far it is */
async function task(
  folder: string,
  hash: string,
  name: string,
  {
    begun = true,
    exitCode,
    output = '',
    scriptMs = startedMs + 1000,
  }: Partial<Record<'begun', boolean>> & {
    exitCode?: number;
    output?: string;
    scriptMs?: number;
  } = {},
): Promise<string> {
  const path = join(folder, 'work', hash.slice(0, 2), hash.slice(2).padEnd(30, '0'));
  await mkdir(path, { recursive: true });
  await writeFile(join(path, '.command.run'), `#!/bin/bash\n### ---\n### name: '${name}'\n### ...\nset -e\n`);
  await utimes(join(path, '.command.run'), scriptMs / 1000, scriptMs / 1000);
  if (begun) {
    await writeFile(join(path, '.command.begin'), '');
    await utimes(join(path, '.command.begin'), startedMs / 1000 + 5, startedMs / 1000 + 5);
    await writeFile(join(path, '.command.err'), output);
  }
  if (exitCode !== undefined) await writeFile(join(path, '.exitcode'), `${exitCode}`);
  return path;
}

describe('the tasks of a run', () => {
  it('are those of the latest run, with the last progress that each reported', async () => {
    const folder = await runFolder();
    await task(folder, 'aa01', 'BUILD:EMBED:EMBED_SEQUENCES (a.fa)', {
      output: `${'noise\n'.repeat(5000)}embed-sequences: 5 of 20 residues (25%, 1/s, ETA 15 s)\na message\n`,
    });
    await task(folder, 'aa02', 'SEARCH:MERGE_HITS', { output: 'merge-hits: merging\n' });
    await task(folder, 'ab03', 'BUILD:INDEX_BUCKET (b)', { begun: false });
    await task(folder, 'ab04', 'BUILD:PACK_BUCKETS', { exitCode: 0 });
    await task(folder, 'ac05', 'BUILD:INGEST_BUCKET (b)', { exitCode: 75 });
    // Of an earlier run, which was killed.
    await task(folder, 'ac06', 'SEARCH:SEARCH_BUCKET (b)', { scriptMs: startedMs - 1000 });
    const runs = await readRuns(folder);
    expect(runs.map(({ name }) => name)).toEqual(['old_name', 'happy_curie']);
    expect(runs.at(-1)).toEqual({ name: 'happy_curie', startedMs });
    expect(await readRunLog(folder, 'happy_curie')).toEqual({ workDir: join(folder, 'work'), head: undefined });
    const folders = new TaskFolders(join(folder, 'work'), startedMs);
    const state = await folders.read();
    expect(state).toMatchObject({ waiting: 1, ended: 2, failed: 1 });
    expect(state.running.map(({ name }) => name).sort()).toEqual(['EMBED_SEQUENCES (a.fa)', 'MERGE_HITS']);
    const embed = state.running.find(({ name }) => name.startsWith('EMBED'))!;
    expect(embed).toMatchObject({
      progress: { done: 5, total: 20, unit: 'residues', etaSeconds: 15 },
      lastLine: 'a message',
    });

    // A folder whose script Nextflow has not written yet, and that has not changed for long.
    const late = join(folder, 'work/ad', '08'.padEnd(30, '0'));
    await mkdir(late, { recursive: true });
    const long = (Date.now() - 60_000) / 1000;
    await utimes(join(folder, 'work/ad'), long, long);
    expect(await folders.read()).toEqual(state);

    // Nextflow never changes a script: it is read once.
    for (const hash of ['aa01', 'aa02'])
      await writeFile(join(folder, 'work', hash.slice(0, 2), hash.slice(2).padEnd(30, '0'), '.command.run'), 'other');
    expect(await folders.read()).toEqual(state);

    // A later reading finds what changed: a task that ended, one that began, and a new one.
    await task(folder, 'aa02', 'SEARCH:MERGE_HITS', { exitCode: 0 });
    await task(folder, 'ab03', 'BUILD:INDEX_BUCKET (b)');
    await task(folder, 'aa07', 'SEARCH:RENDER_REPORT');
    const script = join(late, '.command.run');
    await writeFile(script, "### name: 'SEARCH:PLAN_SEARCH'\n");
    await utimes(join(folder, 'work/ad'), long, long);
    const later = await folders.read();
    expect(later).toMatchObject({ waiting: 1, ended: 3, failed: 1 });
    expect(later.running.map(({ name }) => name).sort()).toEqual([
      'EMBED_SEQUENCES (a.fa)',
      'INDEX_BUCKET (b)',
      'RENDER_REPORT',
    ]);

    await rm(late, { recursive: true });
    expect(await folders.read()).toMatchObject({ waiting: 0, ended: 3 });
  });
});

describe('the text', () => {
  const progress = { label: 'x', done: 5e7, total: 2e8, unit: 'vectors', perSecond: 34_210, etaSeconds: 4385 };
  const running = Array.from({ length: 30 }, (_, i) => ({
    name: `SEARCH_BUCKET (a_bucket_with_a_long_name_${i})`,
    startedMs: i,
    progress: i === 0 ? progress : undefined,
    lastLine: i === 0 ? '' : 'lanceflow: fetching s3://bucket/database/bucket_00001.lance/data/xyz (12 GB)',
  }));
  const state: RunState = { running, waiting: 1, ended: 5, failed: 0 };
  const run = { name: 'happy_curie', startedMs: 0, status: undefined, duration: undefined };

  it('has a line for each running task, and fits the terminal', () => {
    for (const columns of [60, 80, 200]) {
      const lines = watchText(run, state, 61_000, { columns, rows: 24 }).split('\n');
      expect(lines).toHaveLength(23); // The cursor has a line too.
      expect(lines[0]).toBe('happy_curie runs: 36 tasks, 30 running, 1 waiting, 5 ended');
      expect(lines.at(-1)).toBe('and 11 more running tasks');
      for (const line of lines) expect([...line].length).toBeLessThanOrEqual(columns);
      if (columns >= 80)
        expect(lines[3]).toMatch(/^SEARCH_BUC.* {2}1 min 1 s {2}25% {3}1 h 13 min {2}34\.2K\/s {2}200M vec/);
    }
  });

  it('shortens nothing where there is no terminal', () => {
    const infinite = { columns: Number.POSITIVE_INFINITY, rows: Number.POSITIVE_INFINITY };
    const text = watchText(run, state, 61_000, infinite);
    for (const { name, lastLine } of running) expect(text).toContain(lastLine || name);
  });

  it('says how a run ended', () => {
    const ended = { ...run, status: 'ERR', duration: '2m 3s' };
    const none = { running: [], waiting: 0, ended: 1, failed: 1 };
    expect(watchText(ended, none, 0, { columns: 80, rows: 24 })).toBe(
      'happy_curie failed after 2m 3s: 1 task, 0 running, 0 waiting, 1 ended (1 failed)',
    );
  });
});

describe('lanceflow watch', () => {
  it('ends with the run, and reports the state as JSON', async () => {
    const folder = await runFolder({ status: 'OK', duration: '5s' });
    await task(folder, 'aa01', 'BUILD:PACK_BUCKETS', { exitCode: 0 });
    const { code, stdout } = await lanceflow(['watch'], { cwd: folder });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'happy_curie succeeded after 5s: 1 task, 0 running, 0 waiting, 1 ended\n',
    });
    const running = await runFolder();
    await task(running, 'aa01', 'BUILD:PACK_BUCKETS');
    expect(await lanceflowJson(['watch', '--launch-dir', running])).toMatchObject({
      ...{ rows: 1, run: 'happy_curie', status: 'RUNNING', waiting: 0, ended: 0 },
      tasks: [{ name: 'PACK_BUCKETS' }],
    });
  });

  it('ends when the process of the run was killed, and not before', async () => {
    const head = spawn(process.execPath, ['-e', "console.log('up'); setInterval(() => {}, 1e6)", 'nextflow'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(head.stdout, 'data');
    const of = (host: string) => `  Version: 24.10.0\n  Process: ${head.pid}@${host} [127.0.0.1]\n`;
    const [here, elsewhere] = [await runFolder({ head: of(hostname()) }), await runFolder({ head: of('other-host') })];
    expect(await lanceflowJson(['watch', '--launch-dir', here])).toMatchObject({ status: 'RUNNING' });
    head.kill('SIGKILL');
    await once(head, 'exit');
    const { code, stdout, stderr } = await lanceflow(['watch'], { cwd: here });
    expect({ code, stdout }).toEqual({
      code: 75,
      stdout: 'happy_curie was killed: 0 tasks, 0 running, 0 waiting, 0 ended\n',
    });
    expect(stderr).toMatch(
      /happy_curie: the Nextflow process of this run was killed.*run its command again with -resume/,
    );
    expect(await lanceflowJson(['watch', '--launch-dir', elsewhere])).toMatchObject({ status: 'RUNNING' });
    const ended = await runFolder({ status: 'OK', head: of(hostname()) });
    expect(await lanceflowJson(['watch', '--launch-dir', ended])).toMatchObject({ status: 'OK' });
  });

  it('takes a number that another process has now for that of a killed run', async () => {
    expect(await hasEnded({ pid: process.ppid, host: hostname() })).toBe(true);
    const log = ' - Run name: a\n  Process: 7@host [::1]\n';
    expect(parseHead(log, 'a')).toEqual({ pid: 7, host: 'host' });
    expect(parseHead(log, 'b')).toBeUndefined();
  });

  it('says where it cannot look', async () => {
    const onS3 = await runFolder({ workDir: 's3://bucket/work' });
    await expectRefusalHere(['watch', '--launch-dir', onS3], 64, /s3:\/\/bucket\/work.*lanceflow launch --campaign/s);
    const empty = await temporaryFolder();
    await expectRefusalHere(['watch', '--launch-dir', empty], 64, /no run of Nextflow was started in/);
    const folder = await runFolder();
    await expectRefusalHere(
      ['watch', '--launch-dir', folder, '--work-dir', join(folder, 'no')],
      64,
      /cannot be read here/,
    );
    await expectRefusalHere(['watch', '--launch-dir', folder, '--interval', '0'], 64, /--interval must be/);
  });
});
