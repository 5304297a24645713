import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readPartitionCount } from '../../../workers/src/lance/format/index-file.ts';
import { connect, Index } from '../../../workers/src/lance/lancedb.ts';
import { temporaryFolder } from '../../support/run.ts';
import { randomRows } from '../../support/shards.ts';

it.each([
  ['ivf-pq', Index.ivfPq],
  ['ivf-rq', Index.ivfRq],
] as const)('reads the partition count of LanceDB’s own %s, also above 1,000', async (_, index) => {
  const folder = await temporaryFolder();
  const { ids, vectors } = randomRows(1, 3000, 8);
  const rows = ids.map((id, i) => ({ id, embedding: [...vectors.subarray(8 * i, 8 * i + 8)] }));
  const table = await (await connect(folder)).createTable('t', rows);
  const config = index({ numPartitions: 1201, distanceType: 'cosine', maxIterations: 2 });
  await table.createIndex('embedding', { config });
  table.close();
  expect(await readPartitionCount(join(folder, 't.lance'))).toBe(1201);
});
