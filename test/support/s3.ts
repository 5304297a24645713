import { afterAll, afterEach, beforeAll } from 'vitest';
import { closeS3 } from '../../workers/src/s3/client.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { missing } from './run.ts';
import { MOTO, type S3Server, startS3Server, VERSITYGW } from './s3-server.ts';

const askedFor = new Set<string>();

/** True where the tests with this server are to be skipped: loudly on a laptop; under CI=true a failure. */
export function missingServer(kind: 'moto' | 'versitygw'): boolean {
  askedFor.add(kind);
  return kind === 'moto'
    ? missing(MOTO, 'moto (npm run setup:python)')
    : missing(VERSITYGW, 'versitygw (npm run setup:s3)');
}

/** Makes this process use the S3 server of an environment, until the test or the file ends. */
export function useS3(env: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

/** A server, with the bucket `lance`, for all tests of a file; to be called where the tests are described. */
export function withS3Server(kind: 'moto' | 'versitygw'): { server: S3Server } {
  const held = {} as { server: S3Server };
  const before = { ...process.env };
  beforeAll(async () => {
    // Also where it is not missing, so that such a test is found on any machine.
    if (!askedFor.has(kind)) throw new Error(`A test with ${kind} is skipped where it is missing: ask missingServer()`);
    held.server = await startS3Server(kind, ['lance']);
  });
  afterEach(async () => {
    await closeS3();
    restore(before);
  });
  afterAll(() => held.server?.stop());
  return held;
}

/** The same behind a proxy whose faults each test decides. */
export function withFaultProxy(kind: 'moto' | 'versitygw'): { server: S3Server; proxy: FaultProxy } {
  const held = withS3Server(kind) as { server: S3Server; proxy: FaultProxy };
  beforeAll(async () => {
    held.proxy = await startFaultProxy(held.server.endpoint);
  });
  afterEach(() => {
    held.proxy.rule = () => undefined;
    held.proxy.seen.length = 0;
  });
  afterAll(() => held.proxy?.stop());
  return held;
}

function restore(before: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (before[name] === undefined) delete process.env[name];
  Object.assign(process.env, before);
}
