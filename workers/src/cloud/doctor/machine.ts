import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, statfs } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { returnIfMissing } from '../../base/missing-files.ts';
import { FOUND, REMEDY } from '../cloud-messages.ts';
import { type Finding, failed, ok } from './finding.ts';

const HOME = process.env.LANCEFLOW_HOME ?? fileURLToPath(new URL('../../../..', import.meta.url));
const GB = 1e9;
/** The minimum versions and sizes that LanceFlow needs. */
const MINIMUM = { node: 24, java: 17, nextflow: 24.1, memoryGb: 2, diskGb: 5, openFiles: 1024 };
const LIBRARIES = ['@lancedb/lancedb', 'onnxruntime-node', 'h5wasm/node', 'parquet-wasm'];

/** Checks what a run on this machine needs: programs, libraries, memory, disk. Downloads nothing. */
export async function checkMachine(): Promise<Finding[]> {
  const folders = [...new Set([process.cwd(), tmpdir()])];
  return [
    checkNode(),
    ...(await Promise.all(LIBRARIES.map(checkLibrary))),
    await checkJava(),
    await checkNextflow(),
    checkMemory(),
    ...(await Promise.all(folders.map(checkDisk))),
    await checkOpenFiles(),
  ];
}

function checkNode(): Finding {
  const { node } = process.versions;
  return Number.parseInt(node, 10) >= MINIMUM.node
    ? ok('node', node)
    : failed('node', FOUND.tooOldNode(node), REMEDY.setupNode);
}

/** Checks that a library with native parts can be loaded on this machine. */
async function checkLibrary(name: string): Promise<Finding> {
  try {
    await import(name);
    return ok(name, 'loads');
  } catch (error) {
    const text = error instanceof Error ? error.message.split('\n')[0]! : String(error);
    return failed(name, FOUND.noLoad(text), REMEDY.setup);
  }
}

async function checkJava(): Promise<Finding> {
  const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin/java') : 'java';
  // openjdk version "17.0.15" 2025-04-15
  const version = /version "([\d.]+)/.exec(await outputOf(java, ['-version']))?.[1];
  if (version === undefined) return failed('java', FOUND.noStart(java), REMEDY.java);
  return Number.parseInt(version, 10) >= MINIMUM.java
    ? ok('java', version)
    : failed('java', FOUND.tooOld(version), REMEDY.java);
}

async function checkNextflow(): Promise<Finding> {
  const tools = await readdir(join(HOME, '.tools')).catch(returnIfMissing([]));
  const fetched = tools.find((name) => /^nextflow-[\d.]+$/.test(name));
  // "nextflow version 24.10.0.5928"
  const [, text, major, minor] =
    /version ((\d+)\.(\d+)[\d.]*)/.exec(fetched ? '' : await outputOf('nextflow', ['-v'])) ?? [];
  if (fetched) return ok('nextflow', `${fetched.slice(9)}, fetched by the set-up`);
  if (Number(major) + Number(minor) / 100 >= MINIMUM.nextflow) return ok('nextflow', `${text}, installed`);
  return failed('nextflow', text ? FOUND.tooOld(text) : FOUND.missing, REMEDY.setupNextflow);
}

function checkMemory(): Finding {
  const gb = process.availableMemory() / GB;
  const found = `${gb.toFixed(1)} GB free, ${cpus().length} cores`;
  return gb >= MINIMUM.memoryGb ? ok('memory', found) : failed('memory', found, REMEDY.memory(MINIMUM.memoryGb));
}

async function checkDisk(folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder);
  const found = `${((bavail * bsize) / GB).toFixed(1)} GB free`;
  return bavail * bsize >= MINIMUM.diskGb * GB
    ? ok(`disk of ${folder}`, found)
    : failed(`disk of ${folder}`, found, REMEDY.disk);
}

async function checkOpenFiles(): Promise<Finding> {
  const limit = (await outputOf('sh', ['-c', 'ulimit -n'])).trim();
  return limit === 'unlimited' || Number(limit) >= MINIMUM.openFiles
    ? ok('open files', `up to ${limit}`)
    : failed('open files', `up to ${limit}`, REMEDY.openFiles);
}

/** Returns a program's standard output and standard error; empty if it cannot be started or fails. */
async function outputOf(program: string, args: readonly string[]): Promise<string> {
  if (program.includes('/') && !existsSync(program)) return '';
  return promisify(execFile)(program, args, { timeout: 30_000 }).then(
    ({ stdout, stderr }) => stdout + stderr,
    () => '',
  );
}
