import { describe, expect, it } from 'vitest';
import type { TableReader } from '../../../../workers/src/database/table-reader.ts';
import { countedTables } from '../../../../workers/src/search/in-place/reads/counted-tables.ts';

describe('countedTables', () => {
  it('counts what S3 counts: listings by pages, files with their sizes, long ranges in pieces', async () => {
    const counts = { requests: 0, bytes: 0 };
    const tables = countedTables(
      {
        folder: undefined,
        size: async () => 7,
        sizes: async () => new Map(Array.from({ length: 1500 }, (_, i) => [`data/${i}`, 1] as const)),
        read: async () => new Uint8Array(7),
        openFile: async () => ({ async read() {}, async close() {} }),
        checksums: async () => [],
        open: () => Promise.reject(new Error('not here')),
      } satisfies TableReader,
      counts,
    );
    const cost = async (work: () => Promise<unknown>) => {
      const { requests, bytes } = counts;
      await work();
      return [counts.requests - requests, counts.bytes - bytes];
    };
    expect(await cost(() => tables.size('x'))).toEqual([1, 0]);
    expect(await cost(() => tables.sizes('bucket_00001'))).toEqual([2, 0]);
    expect(await cost(() => tables.read('x'))).toEqual([2, 7]);
    const file = await tables.openFile('x');
    expect(await cost(() => file.read(new Uint8Array(100), 5))).toEqual([1, 100]);
    expect(await cost(() => file.read(new Uint8Array(2 ** 22 + 1), 5))).toEqual([3, 2 ** 22 + 1]);
  });
});
