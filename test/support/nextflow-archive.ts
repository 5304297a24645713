import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
const JARS = join(ROOT, '.tools/nextflow-24.10.0');
const ARCHIVE = `${JARS}.jsa`;

/**
 * Makes the hundred starts of Nextflow in these tests cheaper, each by a seventh of its CPU time: with Java's classes of an earlier run,
 * and without the threads of its parallel garbage collector. Java ignores an archive that does not fit.
 */
export default async function setup(): Promise<void> {
  if (process.env.NXF_OPTS !== undefined) return;
  const options = ['-XX:+UseSerialGC', '-Xlog:cds=off', '-Xlog:cds+dynamic=off'];
  if (process.env.CI === 'true' && existsSync(JARS) && !existsSync(ARCHIVE)) await makeArchive(options);
  process.env.NXF_OPTS = [...options, `-XX:SharedArchiveFile=${ARCHIVE}`]
    .slice(0, existsSync(ARCHIVE) ? 4 : 1)
    .join(' ');
}

/** Runs the stubs of the pipeline, and keeps the classes that they load. */
async function makeArchive(javaOptions: readonly string[]): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), 'lanceflow-test-'));
  const temporary = `${ARCHIVE}.${process.pid}.tmp`;
  const env = { ...process.env, NXF_OPTS: [...javaOptions, `-XX:ArchiveClassesAtExit=${temporary}`].join(' ') };
  const args = ['run', join(ROOT, 'main.nf'), '-profile', 'test', '-stub-run'];
  try {
    const options = { cwd, env: { ...env, LANCEFLOW_NEXTFLOW: 'bundled' } };
    // The tests report a pipeline that fails; they do not need the archive.
    await promisify(execFile)(join(ROOT, 'bin/nextflow'), args, options).catch(() => {});
    if (existsSync(temporary)) await rename(temporary, ARCHIVE);
  } finally {
    await rm(cwd, { recursive: true });
  }
}
