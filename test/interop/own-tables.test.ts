import { describe, expect, it } from 'vitest';
import { CLIENTS, missingClients, runClient } from '../support/clients.ts';
import { writeOwnTable } from '../support/own-table.ts';
import { temporaryFolder } from '../support/run.ts';
import { randomRows, writeShard } from '../support/shards.ts';

// Python's LanceDB uses tables whose data files and version LanceFlow wrote.

const DIMENSION = 24;
const ROWS = 1200;

/** Reads, searches, changes and compacts the table; h5py reads the expected rows from a shard. */
const CLIENT = `
import json, h5py, lancedb, numpy as np, pyarrow as pa
with h5py.File(sys.argv[2]) as f: ids, x = f['id'].asstr()[:].tolist(), f['embedding'][:]
table = lancedb.connect(sys.argv[1]).open_table('t')
rows = table.to_arrow()
kind = rows.schema.field('embedding').type
stored = x.astype('f2' if kind.value_type == pa.float16() else 'f4')
as_rows = lambda t: np.array(t['embedding'].combine_chunks().flatten().to_numpy()).reshape(-1, x.shape[1])
answer = {'version': table.version, 'count': table.count_rows(), 'ids': rows['id'].to_pylist() == ids,
  'vectors': bool(np.array_equal(as_rows(rows), stored))}
def nearest(row): return table.search(x[row], vector_column_name='embedding').limit(1).to_arrow()['id'].to_pylist()
def matching(where): return sorted(table.search().where(where).limit(100).to_arrow()['id'].to_pylist())
answer['nearest'] = nearest(777) == [ids[777]]
answer['filter'] = matching(f"id IN ('{ids[3]}', '{ids[1199]}', 'none')") == sorted([ids[3], ids[1199]])
table.add(pa.table({'embedding': pa.array([stored[0]] * 2, kind), 'id': ['new1', 'new2']}))
table.delete(f"id = '{ids[5]}'")
table.optimize()
rows = table.to_arrow()
left = [i for i in range(len(ids)) if i != 5]
answer['compacted'] = rows['id'].to_pylist() == [ids[i] for i in left] + ['new1', 'new2']
answer['kept'] = bool(np.array_equal(as_rows(rows)[:len(left)], stored[left]))
answer['still nearest'] = nearest(777) == [ids[777]]
print(json.dumps(answer))`;

describe.skipIf(missingClients())('a table whose data files LanceFlow wrote', () => {
  it.each(CLIENTS.flatMap((client) => (['float32', 'float16'] as const).map((type) => ({ client, type }))))(
    'is read, searched, changed and compacted by Python’s LanceDB $client.version in $type',
    async ({ client, type }) => {
      const folder = await temporaryFolder();
      const rows = randomRows(1, ROWS, DIMENSION);
      const ids = rows.ids.map((id, row) => (row % 5 === 0 ? `${id}蛋é` : id));
      const shard = await writeShard(`${folder}/rows.h5`, { ...rows, ids });
      const { version } = await writeOwnTable(folder, 't', { ...rows, ids }, type, [500, 1, 699], 90);
      const answer = await runClient<Record<string, unknown>>(client, CLIENT, folder, shard);
      const { version: read, count, ...checks } = answer;
      expect({ read, count }).toEqual({ read: version, count: ROWS });
      expect(Object.entries(checks).filter(([, holds]) => holds !== true)).toEqual([]);
    },
  );
});
