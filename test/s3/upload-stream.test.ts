import { Readable } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { CRC64 } from '../../workers/src/base/bytes/checksum.ts';
import { TransientError } from '../../workers/src/base/errors.ts';
import { openS3 } from '../../workers/src/s3/client.ts';
import { describeObject } from '../../workers/src/s3/describe-object.ts';
import { fetchBlocks } from '../../workers/src/s3/ranges/range.ts';
import { uploadStream } from '../../workers/src/s3/upload-stream.ts';
import type { Seen } from '../support/fault-proxy.ts';
import { missingServer, useS3, withFaultProxy } from '../support/s3.ts';

const skip = missingServer('moto');
/** One part, and two: lib-storage divides at 5 MiB. */
const SIZES = [0, 1, 100_000, 6 * 2 ** 20];
const isBody = ({ method, url }: Seen) => method === 'PUT' && !url.includes('x-id=Create');

function bodyOf(bytes: number) {
  const content = Buffer.alloc(bytes, 'neighbours ');
  const pieces = Array.from({ length: Math.ceil(bytes / 65_536) }, (_, i) =>
    content.subarray(65_536 * i, 65_536 * (i + 1)),
  );
  return { content, body: Readable.from(pieces, { objectMode: false }) };
}

describe.skipIf(skip)('uploadStream', () => {
  const held = withFaultProxy('moto');
  beforeEach(() => useS3(held.proxy.env));

  it.each(SIZES)('stores %i bytes, and compares them', async (size) => {
    const { content, body } = bodyOf(size);
    expect(await uploadStream('s3://lance/near.csv', body, 'text/csv')).toBe(size);
    const s3 = await openS3('s3://lance');
    expect((await describeObject(s3, 'near.csv'))!.bytes).toBe(size);
    if (size > 0) expect(await fetchBlocks(s3, 'near.csv', 0, size, async () => {})).toBe(CRC64.of(content));
  });

  it.each(SIZES.filter((size) => size > 0))(
    'removes an object of %i bytes that was changed on its way',
    async (size) => {
      held.proxy.rule = (seen) => (isBody(seen) ? { flipRequestAt: 0 } : undefined);
      const { body } = bodyOf(size);
      const uploading = uploadStream('s3://lance/changed.csv', body, 'text/csv');
      await expect(uploading).rejects.toBeInstanceOf(TransientError);
      held.proxy.rule = () => undefined;
      expect(await describeObject(await openS3('s3://lance'), 'changed.csv')).toBeUndefined();
    },
  );

  it.each([100, 6 * 2 ** 20])(
    'leaves the object of another program alone, which replaced one of %i bytes',
    async (size) => {
      const call = (init: RequestInit) =>
        fetch(`${held.server.endpoint}/lance/shared.csv`, {
          ...init,
          headers: { authorization: 'AWS test-key:unsigned' },
        });
      let isReplaced = false;
      held.proxy.rule = (seen) => {
        // Before the answer to the question what was stored.
        if (seen.method !== 'HEAD' || isReplaced) return undefined;
        isReplaced = true;
        return { after: call({ method: 'PUT', body: 'other' }) };
      };
      const uploading = uploadStream('s3://lance/shared.csv', bodyOf(size).body, 'text/csv');
      await expect(uploading).rejects.toBeInstanceOf(TransientError);
      await expect(uploading).rejects.toThrow(/another program replaced or removed this object/);
      expect(await (await call({})).text()).toBe('other');
    },
  );

  it('asks to try again, and says that the changed object is still there, where removing is not allowed', async () => {
    held.proxy.rule = (seen) =>
      seen.method === 'DELETE'
        ? { status: 403, code: 'AccessDenied' }
        : isBody(seen)
          ? { flipRequestAt: 0 }
          : undefined;
    const uploading = uploadStream('s3://lance/kept.csv', bodyOf(10).body, 'text/csv');
    await expect(uploading).rejects.toThrow(TransientError);
    await expect(uploading).rejects.toThrow(/the object could not be removed/);
  });

  it('stores it where only writing is allowed', async () => {
    held.proxy.rule = ({ method }) => (method === 'PUT' ? undefined : { status: 403, code: 'AccessDenied' });
    expect(await uploadStream('s3://lance/unread.csv', bodyOf(10).body, 'text/csv')).toBe(10);
  });
});
