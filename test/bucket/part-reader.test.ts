import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../workers/src/base/errors.ts';
import { PartReader } from '../../workers/src/bucket/part-reader.ts';
import { temporaryFolder } from '../support/run.ts';

const D = 3;

/** Writes files with 10 other bytes and 20 rows, whose components count up. */
async function files(Vectors: typeof Float32Array | typeof Float16Array) {
  const folder = await temporaryFolder();
  const paths = ['a', 'b'].map((name) => join(folder, name));
  for (const [file, path] of paths.entries()) {
    const { buffer } = new Vectors(range(100 * file, 20 * D));
    await writeFile(path, Buffer.concat([Buffer.alloc(10, 7), Buffer.from(buffer)]));
  }
  return paths as [string, string];
}

const range = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

describe('PartReader', () => {
  it.each([
    ['float32', Float32Array, 4],
    ['float16', Float16Array, 2],
  ] as const)('reads rows of several files one after the other: %s', async (vectorType, Vectors, bytes) => {
    const [a, b] = await files(Vectors);
    const reader = new PartReader(D, vectorType);
    const into = new Float32Array(12 * D);
    const parts = [
      { path: a, position: 10 + 18 * D * bytes, rows: 2 },
      { path: b, position: 10, rows: 5 },
    ];
    expect([...reader.read(parts, into)]).toEqual([...range(54, 2 * D), ...range(100, 5 * D)]);
    // Fewer rows, from a file that is open.
    expect([...reader.read([{ path: a, position: 10, rows: 1 }], into)]).toEqual(range(0, D));
    reader.close();
  });

  it('names a file that is missing or too short', async () => {
    const [a] = await files(Float32Array);
    const reader = new PartReader(D, 'float32');
    const read = (path: string, position: number) => () =>
      reader.read([{ path, position, rows: 2 }], new Float32Array(6));
    expect(read(`${a}.gone`, 0)).toThrow(DataError);
    expect(read(`${a}.gone`, 0)).toThrow(/a\.gone: .*missing/);
    expect(read(a, 10 + 19 * D * 4)).toThrow(DataError);
    expect(read(a, 10 + 19 * D * 4)).toThrow(/a: the file is truncated/);
    reader.close();
  });
});
