import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { closeS3 } from '../../workers/src/s3/client.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { missing } from './run.ts';
import { MOTO, type S3Server, startS3Server, VERSITYGW } from './s3-server.ts';

const askedFor = new Set<string>();

/** Returns true where tests with this server must be skipped, and warns on standard error; with CI=true it throws. */
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

/** Starts a server with the bucket `lance`, and others, for all tests of a file. Call it inside `describe`. */
export function withS3Server(kind: 'moto' | 'versitygw', others: readonly string[] = []): { server: S3Server } {
  const held = {} as { server: S3Server };
  const before = { ...process.env };
  beforeAll(async () => {
    // Also where the server is installed, so that every machine detects such a test.
    if (!askedFor.has(kind))
      throw new Error(`A test with ${kind} must be skipped where it is missing: call missingServer() first`);
    held.server = await startS3Server(kind, ['lance', ...others]);
  });
  // The client of `beforeAll` may have another environment: the first test must not be different from the others.
  beforeEach(closeS3);
  afterEach(async () => {
    await closeS3();
    restore(before);
  });
  afterAll(() => held.server?.stop());
  return held;
}

/** Starts the same behind a proxy whose faults each test chooses. */
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
