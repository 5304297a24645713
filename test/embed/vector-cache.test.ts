import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openVectorCache } from '../../workers/src/embed/vector-cache.ts';
import { temporaryFolder } from '../support/run.ts';

const DIMENSION = 3;

/** Distinct keys and vectors. */
function rowsOf(...numbers: number[]) {
  return {
    keys: Uint32Array.from(numbers.flatMap((n) => [n, 2 * n, 3 * n, 7])),
    vectors: Float32Array.from(numbers.flatMap((n) => [n, n + 0.5, -n])),
  };
}

async function find(folder: string, ...numbers: number[]) {
  const cache = await openVectorCache(folder, DIMENSION);
  const into = new Float32Array(numbers.length * DIMENSION);
  const found = await cache.find(rowsOf(...numbers).keys, into);
  await cache.close();
  return { found, into };
}

async function add(folder: string, ...numbers: number[]) {
  const cache = await openVectorCache(folder, DIMENSION);
  const { keys, vectors } = rowsOf(...numbers);
  await cache.add(keys, vectors);
  await cache.close();
}

test('finds vectors that this process or an earlier one has added', async () => {
  const folder = join(await temporaryFolder(), 'a/b');
  const cache = await openVectorCache(folder, DIMENSION);
  const { keys, vectors } = rowsOf(5, 6, 7);
  await cache.add(keys, vectors);
  const into = new Float32Array(3 * DIMENSION);
  expect(await cache.find(rowsOf(7, 1, 5).keys, into)).toEqual([true, false, true]);
  expect([...into]).toEqual([7, 7.5, -7, 0, 0, 0, 5, 5.5, -5]);
  await cache.close();

  await add(folder, 8, 9);
  expect(await find(folder, 9, 6, 8, 2)).toEqual({
    found: [true, true, true, false],
    into: Float32Array.of(9, 9.5, -9, 6, 6.5, -6, 8, 8.5, -8, 0, 0, 0),
  });
});

test('no file is created before the first vector', async () => {
  const folder = await temporaryFolder();
  await find(folder, 1);
  expect(await readdir(folder)).toEqual([]);
});

async function fileOf(folder: string, ending: string): Promise<string> {
  return join(folder, (await readdir(folder)).find((name) => name.endsWith(ending))!);
}

test('a process that is killed while writing loses only its last rows', async () => {
  const folder = await temporaryFolder();
  await add(folder, 1, 2, 3);
  await truncate(await fileOf(folder, '.keys'), 2 * 20 + 7);
  expect((await find(folder, 1, 2, 3)).found).toEqual([true, true, false]);
  await truncate(await fileOf(folder, '.vectors'), 4 * DIMENSION + 5);
  expect((await find(folder, 1, 2, 3)).found).toEqual([true, false, false]);
});

test('files that another process removed are created again', async () => {
  const folder = join(await temporaryFolder(), 'cache');
  await add(folder, 1, 2);
  const cache = await openVectorCache(folder, DIMENSION);
  await rm(folder, { recursive: true });
  const vectors = new Float32Array(3 * DIMENSION);
  expect(await cache.find(rowsOf(1, 2, 3).keys, vectors)).toEqual([false, false, false]);
  await cache.add(rowsOf(3).keys, rowsOf(3).vectors);
  await cache.close();
  expect((await find(folder, 1, 2, 3)).found).toEqual([false, false, true]);
});

test('a damaged row is not returned', async () => {
  const folder = await temporaryFolder();
  await add(folder, 1, 2, 3);
  const path = await fileOf(folder, '.vectors');
  const bytes = await readFile(path);
  bytes[4 * DIMENSION]! ^= 1;
  await writeFile(path, bytes);
  expect((await find(folder, 1, 2, 3)).found).toEqual([true, false, true]);
});

test('works with more files than may be open', async () => {
  const folder = await temporaryFolder();
  const numbers = Array.from({ length: 80 }, (_, i) => i + 1);
  for (const number of numbers) await add(folder, number);
  const { found, into } = await find(folder, ...numbers);
  expect(found.every(Boolean)).toBe(true);
  expect([...into]).toEqual([...rowsOf(...numbers).vectors]);
});
