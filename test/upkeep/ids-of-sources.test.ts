import { join } from 'node:path';
import { expect, it } from 'vitest';
import { columnFrom } from '../../workers/src/base/bytes/utf8-column.ts';
import type { PlanSource } from '../../workers/src/database/catalog/bucket-plan.ts';
import { describeShard } from '../../workers/src/shard/description-file.ts';
import { IdsOfSources } from '../../workers/src/upkeep/ids-of-sources.ts';
import { temporaryFolder } from '../support/run.ts';
import { randomRows, sliceRows, writeShard } from '../support/shards.ts';

it.each([1, 7, 1000])('finds the rows whose ids no source has, with %i ids in memory at once', async (passIds) => {
  const folder = await temporaryFolder();
  const rows = randomRows(1, 90, 4);
  const sourceOf = async (name: string, first: number, end: number): Promise<PlanSource> => {
    const path = await writeShard(join(folder, name), sliceRows(rows, first, end));
    const { contentHash } = await describeShard(path, () => {});
    return { shard: 0, path, rows: end - first, start: 0, end: end - first, contentHash, vectorType: 'float32' };
  };
  const [a, b, c] = [await sourceOf('a.h5', 0, 30), await sourceOf('b.h5', 30, 60), await sourceOf('c.h5', 60, 90)];
  // Only rows 10 to 29 of b are in the bucket; no source of it is in c.
  const kept = [a, { ...b, start: 10 }];
  const found: number[] = [];
  const ids = new IdsOfSources([c.path, b.path, a.path], passIds);
  for await (const choose of ids.others(kept)) found.push(...choose(columnFrom(rows.ids)));
  const expected = [...rows.ids.keys()].filter((row) => row >= 60 || (row >= 30 && row < 40));
  expect(found.sort((x, y) => x - y)).toEqual(expected);
  expect(ids.hasRepeated).toBe(false);
  for await (const choose of ids.others(kept))
    for (let i = 0; i < 2; i++) [...choose(columnFrom(rows.ids.slice(0, 1)))];
  expect(ids.hasRepeated).toBe(true);
  await expect(Array.fromAsync(new IdsOfSources([a.path]).others(kept))).rejects.toThrow(/b\.h5/);
});
