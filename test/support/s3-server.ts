import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

// Not imported from run.ts, which is for tests only: benchmarks start servers too.
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** versitygw, an S3 server in Go on a folder: `npm run setup:s3` builds it. */
export const VERSITYGW = ((path) => (existsSync(path) ? path : undefined))(join(ROOT, '.tools/versitygw/versitygw'));
/** moto, a mock of AWS in Python: in test/requirements.txt. */
export const MOTO = ((path) => (existsSync(path) ? path : undefined))(join(ROOT, '.tools/python/bin/moto_server'));

/** A running S3 server, and the environment for programs that use it. */
export interface S3Server {
  /** `http://127.0.0.1:port`. */
  endpoint: string;
  env: Record<string, string>;
  /** Folder of versitygw's objects: files, by bucket and key. */
  data?: string;
  stop(): Promise<void>;
}

/** Paths of a certificate for 127.0.0.1 and its key. */
export interface Tls {
  certificate: string;
  key: string;
}

const READY_MS = 120_000;
const ACCESS_KEY = 'test-key';
const SECRET_KEY = 'test-secret';

/** Starts a real S3 server on a free port, with these buckets. The caller stops it. */
export async function startS3Server(
  kind: 'moto' | 'versitygw',
  buckets: readonly string[] = [],
  { parent = tmpdir(), tls }: { parent?: string; tls?: Tls } = {},
): Promise<S3Server> {
  const folder = await mkdtemp(join(parent, 'lanceflow-s3-'));
  const port = await freePort();
  const child = kind === 'moto' ? startMoto(port, folder) : await startVersityGw(port, folder, buckets, tls);
  // The server must not outlive these tests, however they end.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const endpoint = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  const stop = async () => {
    process.off('exit', kill);
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await ready(child, endpoint);
    if (kind === 'moto') for (const bucket of buckets) await fetch(`${endpoint}/${bucket}`, { method: 'PUT' });
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, env: s3Env(endpoint), stop, ...(kind === 'versitygw' ? { data: join(folder, 'data') } : {}) };
}

/** Returns the environment of a program that uses the S3 server at an endpoint, without this machine's own settings. */
export function s3Env(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    AWS_REGION: 'us-east-1',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

function startMoto(port: number, folder: string): ChildProcess {
  return spawn(MOTO!, ['-H', '127.0.0.1', '-p', `${port}`], { cwd: folder, stdio: 'ignore' });
}

async function startVersityGw(
  port: number,
  folder: string,
  buckets: readonly string[],
  tls: Tls | undefined,
): Promise<ChildProcess> {
  for (const bucket of buckets) await mkdir(join(folder, 'data', bucket), { recursive: true });
  await mkdir(join(folder, 'meta'), { recursive: true });
  await mkdir(join(folder, 'data'), { recursive: true });
  const options = ['--port', `127.0.0.1:${port}`, '--access', ACCESS_KEY, '--secret', SECRET_KEY, '--quiet'];
  if (tls) options.push('--cert', tls.certificate, '--key', tls.key);
  // Separate files of attributes, because not every file system has extended attributes.
  const storage = ['posix', '--sidecar', join(folder, 'meta'), join(folder, 'data')];
  return spawn(VERSITYGW!, [...options, '--keep-alive', ...storage], { cwd: folder, stdio: 'ignore' });
}

async function ready(child: ChildProcess, endpoint: string): Promise<void> {
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the S3 server ended with ${code}`)));
  });
  failed.catch(() => {});
  for (const endMs = Date.now() + READY_MS; ; ) {
    if (await Promise.race([isListening(endpoint), failed])) return;
    if (Date.now() > endMs) throw new Error(`the S3 server did not start within ${READY_MS / 1000} s`);
    await sleep(50);
  }
}

function isListening(endpoint: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(endpoint).port), '127.0.0.1');
    socket.on('connect', () => socket.end(() => resolve(true)));
    socket.on('error', () => resolve(false));
  });
}

/** Finds a free port. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
