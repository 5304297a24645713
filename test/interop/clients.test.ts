import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { connect, Index } from '../../workers/src/lance/lancedb.ts';
import { CLIENTS, type Client, missingClients, runClient } from '../support/clients.ts';
import { buildDatabase } from '../support/database.ts';
import { sharedFolder } from '../support/run.ts';
import { type Rows, randomRows, sliceRows, writeShard } from '../support/shards.ts';

// Tests the table of clients in docs/output.md with the oldest version for each index and the newest.

const NEWEST = CLIENTS.find(({ version }) => version === 'newest')!;
const DIMENSION = 128;
const FAMILIES = 6;
const ROWS = 1500;
/** Too few rows for partition order, so LanceDB builds the index. */
const FEW = 900;

/** Reads, and searches as in docs/output.md, with and without the index; the ground truth comes from numpy in float64. */
const CLIENT = `
import json, h5py, lancedb, numpy as np
def load(path):
    with h5py.File(path) as f: return f['id'].asstr()[:].tolist(), f['embedding'][:].astype('f8')
def ground_truth(x, q, metric):
    unit = lambda v: v / np.linalg.norm(v, axis=1)[:, None]
    if metric == 'cosine': return 1 - unit(q) @ unit(x).T
    return 1 - q @ x.T if metric == 'dot' else ((q[:, None] - x[None]) ** 2).sum(2)
answers = {}
for name, database, shard, metric in json.loads(sys.argv[2]):
    ids, x = load(shard)
    _, queries = load(sys.argv[1])
    table = lancedb.connect(database).open_table('bucket_00001')
    rows = table.to_arrow()
    vectors = np.array(rows['embedding'].to_pylist(), 'f8')
    order = {id: i for i, id in enumerate(ids)}
    answer = {'rows': table.count_rows(),
      'same': bool(np.allclose(vectors, x[[order[id] for id in rows['id'].to_pylist()]], rtol=1e-3, atol=1e-3))}
    distances = ground_truth(x, queries, metric)
    def recall(index):
        found = 0
        for query, row in zip(queries.astype('f4'), distances):
            query_builder = table.search(query, vector_column_name='embedding').metric(metric).limit(10).nprobes(1000).refine_factor(10)
            hits = (query_builder if index else query_builder.bypass_vector_index()).to_arrow()['id'].to_pylist()
            found += len({ids[i] for i in np.argsort(row)[:10]} & set(hits))
        return found / (10 * len(queries))
    try: answer['recall'] = recall(True)
    except Exception as error: answer['refused'] = str(error)[:300]
    answer['bypassed'] = recall(False)
    answers[name] = answer
print(json.dumps(answers))`;

interface Answer {
  rows: number;
  same: boolean;
  recall?: number;
  refused?: string;
  bypassed: number;
}

/** Rows in families larger than the number of rescored candidates, so that the codes decide which are nearest. */
function families(seed: number, count: number, prefix: string): Rows {
  const rows = randomRows(seed, count, DIMENSION, prefix);
  const centres = randomRows(99, FAMILIES, DIMENSION).vectors;
  for (let i = 0; i < rows.vectors.length; i++) {
    const family = Math.floor(i / DIMENSION) % FAMILIES;
    rows.vectors[i] = 0.7 * centres[family * DIMENSION + (i % DIMENSION)]! + rows.vectors[i]!;
  }
  return rows;
}

const BUILDS = [
  { name: 'ivf-rq', rows: ROWS, metric: 'cosine', ingest: [], index: 'ivf-rq' },
  { name: 'ivf-rq, float16, l2', rows: ROWS, metric: 'l2', ingest: ['--vector-type', 'float16'], index: 'ivf-rq' },
  { name: 'ivf-rq, dot', rows: ROWS, metric: 'dot', ingest: [], index: 'ivf-rq' },
  { name: 'ivf-rq, few rows', rows: FEW, metric: 'cosine', ingest: [], index: 'ivf-rq' },
  {
    name: 'ivf-rq, few rows, float16, dot',
    rows: FEW,
    metric: 'dot',
    ingest: ['--vector-type', 'float16'],
    index: 'ivf-rq',
  },
  { name: 'ivf-pq', rows: ROWS, metric: 'cosine', ingest: [], index: 'ivf-pq' },
] as const;

describe.skipIf(missingClients())('clients of LanceDB', () => {
  let folder = '';
  const tables: Array<[name: string, database: string, shard: string, metric: string]> = [];
  const answers = new Map<Client, Record<string, Answer>>();

  beforeAll(async () => {
    folder = await sharedFolder();
    const all = families(1, ROWS, 'p');
    const shards = new Map<number, string>();
    for (const count of [ROWS, FEW])
      shards.set(count, await writeShard(join(folder, `${count}.h5`), sliceRows(all, 0, count)));
    await writeShard(join(folder, 'q.h5'), families(2, 40, 'q'));
    for (const [i, { name, rows, metric, ingest, index }] of BUILDS.entries()) {
      const shard = shards.get(rows)!;
      await mkdir(join(folder, `${i}`));
      const options = { ingest: ['--metric', metric, ...ingest], index: ['--index', index] };
      tables.push([name, (await buildDatabase(join(folder, `${i}`), [shard], options)).database, shard, metric]);
    }
    tables.push(['of LanceDB', await buildWithLanceDb(join(folder, 'lancedb'), all), shards.get(ROWS)!, 'cosine']);
    for (const client of CLIENTS)
      answers.set(client, await runClient(client, CLIENT, join(folder, 'q.h5'), JSON.stringify(tables)));
  });

  describe.each(CLIENTS)('$version', (client) => {
    const answer = (name: string) => answers.get(client)![name]!;

    it.each(BUILDS)('reads the rows of $name, and all of them without the index', ({ name, rows }) => {
      expect(answer(name)).toMatchObject({ rows, same: true });
      expect(answer(name).bypassed).toBeGreaterThan(0.99);
    });

    it.each(BUILDS)('searches $name as well as the newest client, or refuses with an error', ({ name, index }) => {
      const { recall, refused } = answer(name);
      if (index === 'ivf-rq' && client.version === '0.24.3') expect(refused).toMatch(/unsupported index/i);
      else expect(Math.abs(recall! - answers.get(NEWEST)![name]!.recall!)).toBeLessThan(0.01);
    });
  });

  it.each(BUILDS)('find nearly all neighbours with the index of $name', ({ name }) => {
    expect(answers.get(NEWEST)![name]!.recall).toBeGreaterThan(0.85);
  });

  it('before 0.34 search an index of LanceDB itself wrongly', () => {
    const [, older, newest] = CLIENTS.map((client) => answers.get(client)!['of LanceDB']!.recall);
    expect(newest).toBeGreaterThan(0.85);
    expect(older).toBeLessThan(0.8);
  });
});

/** Builds a table and an index with LanceDB's defaults, except for a format that older clients read. */
async function buildWithLanceDb(folder: string, { ids, vectors }: Rows): Promise<string> {
  const rows = ids.map((id, i) => ({ id, embedding: [...vectors.subarray(DIMENSION * i, DIMENSION * (i + 1))] }));
  const storageOptions = { newTableDataStorageVersion: '2.0' };
  const table = await (await connect(folder)).createTable('bucket_00001', rows, { storageOptions });
  await table.createIndex('embedding', { config: Index.ivfRq({ numPartitions: 38, distanceType: 'cosine' }) });
  table.close();
  return folder;
}
