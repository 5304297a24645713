import { expect, it } from 'vitest';
import { columnFrom } from '../../workers/src/base/bytes/utf8-column.ts';
import { DataError } from '../../workers/src/base/errors.ts';
import { writeTable } from '../../workers/src/ingest/write-table.ts';
import { temporaryFolder } from '../support/run.ts';
import { randomRows } from '../support/shards.ts';

it('tells why the rows ended, also where LanceDB still appends the rows before', async () => {
  const rows = randomRows(1, 4000, 64);
  async function* batches() {
    yield { vectors: rows.vectors, ids: columnFrom(rows.ids) };
    throw new DataError('the shard is damaged');
  }
  const type = { dimension: rows.dimension, vectorType: 'float32' } as const;
  const progress = { add() {}, stop() {} };
  // Without waiting, closing the table fails only now and then.
  for (let attempt = 0; attempt < 5; attempt++)
    await expect(writeTable(await temporaryFolder(), 'bucket_00001', type, batches(), progress)).rejects.toThrow(
      'the shard is damaged',
    );
});
