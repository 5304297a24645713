import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lookupIds } from '../../../workers/src/lance/ids/lookup-ids.ts';
import { openTable } from '../../../workers/src/lance/tables.ts';
import { NearestRows } from '../../../workers/src/search/engine/nearest.ts';
import { settleTies } from '../../../workers/src/search/engine/settle-ties.ts';
import { buildDatabase } from '../../support/database.ts';
import { bytewise } from '../../support/hits.ts';
import { temporaryFolder } from '../../support/run.ts';
import { randomRows, writeShard } from '../../support/shards.ts';

test('of very many rows at one distance, those with the smallest ids are kept', async () => {
  const folder = await temporaryFolder();
  const rows = randomRows(1, 2000, 4);
  rows.ids = rows.ids.map((_, i) => `p${(i * 7919) % 104_729}`);
  const { database } = await buildDatabase(folder, [await writeShard(join(folder, 'a.h5'), rows)], {
    ingest: ['--order', 'none'],
    index: ['--index', 'ivf-rq'],
  });
  const table = await openTable(database, 'bucket_00001');
  const nearest = new NearestRows(3, 5);
  // Rows of one fragment have its positions as their ids.
  for (let row = 0; row < 2000; row++) {
    for (const query of [0, 1]) nearest.offer(query, query === 0 ? 0.5 : row < 1997 ? 0.5 : 0.1, row);
    await settleTies(table, nearest, 100);
    expect(nearest.tieCount).toBeLessThanOrEqual(100);
  }
  await settleTies(table, nearest, 0);
  const idsOf = async (query: number) => {
    const { rows: kept, ties } = nearest.kept(query);
    expect(ties).toEqual([]);
    const { ids, position } = await lookupIds(table, kept);
    return [...kept]
      .map((row) =>
        Buffer.from(ids.bytes.subarray(ids.offsets[position(row)]!, ids.offsets[position(row) + 1]!)).toString(),
      )
      .sort(bytewise);
  };
  expect(await idsOf(0)).toEqual([...rows.ids].sort(bytewise).slice(0, 5));
  const [near, far] = [rows.ids.slice(1997), rows.ids.slice(0, 1997)];
  expect(await idsOf(1)).toEqual([...near, ...far.sort(bytewise).slice(0, 2)].sort(bytewise));
  table.close();
});
