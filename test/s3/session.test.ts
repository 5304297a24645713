import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { openRange } from '../../workers/src/database/s3/range-file.ts';
import { s3Store } from '../../workers/src/database/s3/s3-store.ts';
import { openS3 } from '../../workers/src/s3/client.ts';
import { uploadFiles } from '../../workers/src/s3/transfer/upload.ts';
import type { Seen } from '../support/fault-proxy.ts';
import { temporaryFolder } from '../support/run.ts';
import { missingServer, useS3, withFaultProxy } from '../support/s3.ts';
import { makeFiles } from './support/files.ts';

const MIB = 2 ** 20;
const HOUR_MS = 60 * 60 * 1000;
const skip = missingServer('moto');

describe('sessions and clocks', () => {
  // moto asks neither who signs nor when, so the proxy can play the part of a stricter service.
  const held = skip ? undefined : withFaultProxy('moto');
  let provider: Server | undefined;

  afterEach(async () => {
    provider?.close();
    provider?.closeAllConnections();
    provider = undefined;
  });

  /** The endpoint from which a container (ECS, AWS Batch) has its credentials. @returns how often it was asked */
  async function startProvider(tokens: string[]): Promise<() => number> {
    let asked = 0;
    provider = createServer((_request, response) => {
      const Token = tokens[Math.min(asked++, tokens.length - 1)];
      const Expiration = new Date(Date.now() + HOUR_MS).toISOString();
      response.end(JSON.stringify({ AccessKeyId: 'key', SecretAccessKey: 'secret', Token, Expiration }));
    });
    provider.listen(0, '127.0.0.1');
    await once(provider, 'listening');
    const { port } = provider.address() as { port: number };
    useS3({
      ...held!.proxy.env,
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/credentials`,
    });
    return () => asked;
  }

  /** Of the service: this token has ended, all others are good. */
  function expire(token: string): void {
    held!.proxy.rule = ({ headers }) =>
      headers['x-amz-security-token'] === token ? { status: 400, code: 'ExpiredToken' } : undefined;
  }

  it.skipIf(skip)('a session that expires is renewed in the middle of the work, once for all requests', async () => {
    const asked = await startProvider(['first', 'second', 'third']);
    const s3 = await openS3('s3://lance/session');
    const files = await makeFiles(await temporaryFolder(), [1000, 1000, 1000, 40 * MIB]);
    await s3Store(s3).write('x', 'with the first');
    expect(asked()).toBe(1);
    expire('first');
    const sent = await uploadFiles(s3, files);
    expect(sent.every((file) => file.sent)).toBe(true);
    expect(asked()).toBe(2);
    expire('second');
    expect(await s3Store(s3).read('x')).toBe('with the first');
    expect(asked()).toBe(3);
  });

  it.skipIf(skip)('a URL that is signed once follows the session', async () => {
    const asked = await startProvider(['first', 'second']);
    const s3 = await openS3('s3://lance/session');
    await s3Store(s3).write('x', 'with the first');
    const file = openRange(s3, 'x');
    const read = async (bytes: number) => {
      const into = Buffer.alloc(bytes);
      await file.read(into, 0);
      return into.toString();
    };
    const isOf = (token: string) => (seen: Seen) => seen.url.includes(`X-Amz-Security-Token=${token}`);
    for (const text of ['with', 'with the']) expect(await read(text.length)).toBe(text);
    held!.proxy.rule = (seen) =>
      isOf('first')(seen) || seen.headers['x-amz-security-token'] === 'first'
        ? { status: 400, code: 'ExpiredToken' }
        : undefined;
    for (const text of ['wi', 'with t', 'with the first']) expect(await read(text.length)).toBe(text);
    expect(asked()).toBe(2);
    expect(['first', 'second'].map((token) => held!.proxy.seen.filter(isOf(token)).length)).toEqual([2, 2]);
    const expiry = Number(
      new URL(held!.proxy.seen.findLast(isOf('second'))!.url, 'http://x').searchParams.get('X-Amz-Expires'),
    );
    expect(expiry).toBeGreaterThan(3500);
    expect(expiry).toBeLessThanOrEqual(3600);
  });

  it.skipIf(skip)('URLs are signed again when all those of a session were refused at once', async () => {
    await startProvider(['first', 'second']);
    const s3 = await openS3('s3://lance/session');
    await s3Store(s3).write('x', 'with the first');
    const files = Array.from({ length: 5 }, () => openRange(s3, 'x'));
    const readAll = () => Promise.all(files.map((file) => file.read(Buffer.alloc(4), 0)));
    await readAll();
    held!.proxy.rule = ({ url, headers }) =>
      url.includes('X-Amz-Security-Token=first') || headers['x-amz-security-token'] === 'first'
        ? { status: 400, code: 'ExpiredToken' }
        : undefined;
    for (let i = 0; i < 2; i++) await readAll();
    const last = held!.proxy.seen.slice(-files.length);
    expect(last.filter(({ url }) => url.includes('X-Amz-Security-Token=second'))).toHaveLength(files.length);
  });

  it.skipIf(skip)('a session that cannot be renewed is told, without another attempt', async () => {
    const asked = await startProvider(['only']);
    const s3 = await openS3('s3://lance/session');
    expire('only');
    await expect(s3Store(s3).read('x')).rejects.toThrow(/the session token has expired, and no newer one is available/);
    expect([asked(), held!.proxy.seen.length]).toEqual([2, 1]);
  });

  it.skipIf(skip)("the service's time is taken where this machine's is wrong", async () => {
    useS3(held!.proxy.env);
    const s3 = await openS3('s3://lance/clock');
    const serviceMs = () => Date.now() + 2 * HOUR_MS;
    held!.proxy.rule = ({ headers }) => {
      const stamp = `${headers['x-amz-date']}`.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5');
      if (Math.abs(Date.parse(stamp) - serviceMs()) < 15 * 60 * 1000) return undefined;
      const date = new Date(serviceMs()).toUTCString();
      return { status: 403, code: 'RequestTimeTooSkewed', headers: { date } };
    };
    await s3Store(s3).write('x', 'in time');
    held!.proxy.rule = () => undefined;
    expect(await s3Store(s3).read('x')).toBe('in time');
  });
});
