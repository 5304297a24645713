import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { s3Usage } from '../../../workers/src/app/usage.ts';
import { DataError, TransientError } from '../../../workers/src/base/errors.ts';
import { openRange } from '../../../workers/src/database/s3/range-file.ts';
import { s3Store } from '../../../workers/src/database/s3/s3-store.ts';
import type { RangeFile } from '../../../workers/src/database/table-reader.ts';
import { closeS3, openS3 } from '../../../workers/src/s3/client.ts';
import { type Fault, first, type Seen } from '../../support/fault-proxy.ts';
import { missingServer, useS3, withFaultProxy } from '../../support/s3.ts';

const skip = missingServer('versitygw');
const CONTENT = 'abcdefghijklmnopqrstuvwxyz'.repeat(100);
/** Signed in the query. */
const isSignedOnce = ({ url }: Seen) => url.includes('X-Amz-Signature=');

describe.skipIf(skip)('ranges of an object that is signed once', () => {
  const held = withFaultProxy('versitygw');

  beforeEach(async () => {
    useS3({ ...held.proxy.env, LANCEFLOW_S3_STALL_MS: '400', LANCEFLOW_S3_GIVE_UP_MS: '1500' });
    await s3Store(await openS3('s3://lance/signed once')).write('an object+1', CONTENT);
    held.proxy.seen.length = 0;
  });

  const open = async () => openRange(await openS3('s3://lance/signed once'), 'an object+1');
  /** Reads a range. @returns whether it is the right one */
  const isRight = async (file: RangeFile, offset: number, bytes = 100) => {
    const into = Buffer.alloc(bytes);
    await file.read(into, offset);
    return into.toString() === CONTENT.slice(offset, offset + bytes);
  };

  it('the SDK requests the first, and signs no other; all are of one version', async () => {
    await closeS3();
    useS3({ LANCEFLOW_S3_REQUESTER_PAYS: 'true' });
    const file = await open();
    for (const offset of [5, 0, 2000, 700]) expect(await isRight(file, offset)).toBe(true);
    expect(held.proxy.seen.map(isSignedOnce)).toEqual([false, true, true, true]);
    expect(held.proxy.seen.map(({ headers }) => headers['if-match'] !== undefined)).toEqual([false, true, true, true]);
    expect(held.proxy.seen.every(({ headers }) => /aws-sdk-js/.test(headers['user-agent']!))).toBe(true);
    // The signature would be refused if it were not part of it.
    expect(new Set(held.proxy.seen.slice(1).map(({ url }) => url)).size).toBe(1);
    expect(held.proxy.seen[1]!.url).toMatch(/x-amz-request-payer=requester/i);
    await s3Store(await openS3('s3://lance/signed once')).write('an object+1', CONTENT.toUpperCase());
    await expect(isRight(file, 5)).rejects.toThrow(TransientError);
    await expect(isRight(file, 5)).rejects.toThrow(/an object\+1: was replaced while it was read/);
  });

  const passing: [string, Fault][] = [
    ['asks to slow down', { status: 503, code: 'SlowDown' }],
    ['cuts a body', { cutAfter: 3 }],
    ['stalls', { stallAfter: 10 }],
    ['does not answer', { noAnswer: true }],
    ['refuses a signature', { status: 403, code: 'SignatureDoesNotMatch' }],
    ['does not know a signature', { status: 501, code: 'NotImplemented' }],
    ['answers with another range', { ignores: /^$/, answer: { 'content-range': 'bytes 0-99/2600' } }],
  ];
  it.each(passing)('arrive where the service %s once', async (_, fault) => {
    const file = await open();
    expect(await isRight(file, 0)).toBe(true);
    held.proxy.rule = first(1, isSignedOnce, fault);
    const before = s3Usage().receivedBytes;
    expect(await isRight(file, 300)).toBe(true);
    // Each byte once, and the body of an error.
    const received = s3Usage().receivedBytes - before;
    expect(received).toBeGreaterThanOrEqual(100);
    expect(received).toBeLessThan(500);
  });

  it('are requested at an IPv6 address', async ({ skip }) => {
    const { port } = new URL(held.proxy.endpoint);
    const server = createServer((socket) => {
      const proxy = connect(Number(port), '127.0.0.1');
      for (const one of [socket, proxy]) one.on('error', () => {});
      socket.pipe(proxy).pipe(socket);
    });
    server.listen(0, '::1');
    const isListening = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isListening) return skip('this machine has no IPv6');
    try {
      await closeS3();
      useS3({ AWS_ENDPOINT_URL_S3: `http://[::1]:${(server.address() as { port: number }).port}` });
      const file = await open();
      for (const offset of [5, 0]) expect(await isRight(file, offset)).toBe(true);
      expect(held.proxy.seen.map(isSignedOnce)).toEqual([false, true]);
    } finally {
      await closeS3();
      server.close();
    }
  });

  const lasting: [Fault, typeof DataError | typeof TransientError, RegExp][] = [
    [
      { status: 503, code: 'SlowDown' },
      TransientError,
      /asks to slow down, and still did after \d attempts \(SlowDown\)/,
    ],
    [{ status: 500, code: 'InternalError' }, TransientError, /S3 failed \d attempts \(500 InternalError\)/],
    [{ noAnswer: true }, TransientError, /no answer from|cannot be reached/],
    [{ cutAfter: 0 }, TransientError, /cannot be reached/],
    [{ status: 403, code: 'AccessDenied' }, DataError, /access denied/],
    [{ status: 404, code: 'NoSuchKey' }, DataError, /no such object/],
    [{ status: 416, code: 'InvalidRange' }, DataError, /shorter than it was/],
  ];
  it.each(lasting)('fail as those of the SDK where a fault lasts: %o', async (fault, kind, message) => {
    const file = await open();
    expect(await isRight(file, 0)).toBe(true);
    held.proxy.rule = () => fault;
    const attempt = isRight(file, 300);
    await expect(attempt).rejects.toBeInstanceOf(kind);
    await expect(attempt).rejects.toThrow(message);
  });

  it('a service that refuses such signatures is asked by the SDK alone', async () => {
    held.proxy.rule = (seen) => (isSignedOnce(seen) ? { status: 403, code: 'SignatureDoesNotMatch' } : undefined);
    for (let i = 0; i < 8; i++) expect(await isRight(await open(), 10 * i)).toBe(true);
    expect(held.proxy.seen.filter(isSignedOnce)).toHaveLength(3);
    expect(held.proxy.seen.filter((seen) => !isSignedOnce(seen))).toHaveLength(8);
  });
});

describe.skipIf(missingServer('moto'))('ranges of a service that ignores conditions', () => {
  // moto accepts a signature of a header that is missing.
  const held = withFaultProxy('moto');

  it('are of one version', async () => {
    useS3(held.proxy.env);
    const s3 = await openS3('s3://lance/signed');
    await s3Store(s3).write('object', CONTENT);
    held.proxy.rule = () => ({ ignores: /^if-match$/ });
    const file = openRange(s3, 'object');
    for (const offset of [5, 0]) await file.read(Buffer.alloc(100), offset);
    await s3Store(s3).write('object', CONTENT.toUpperCase());
    await expect(file.read(Buffer.alloc(100), 5)).rejects.toThrow(/object: was replaced while it was read/);
  });
});
