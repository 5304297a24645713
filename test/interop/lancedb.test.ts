import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runHere } from '../support/command.ts';
import { buildDatabase, readHitRows } from '../support/database.ts';
import { missingPython, python, sharedFolder } from '../support/run.ts';
import { h5py } from '../support/shards.ts';

const BUCKET = 'bucket_00001';
const skip = missingPython();

/** Runs the query of search-bucket with Python's LanceDB. */
const PYTHON_SEARCH = `
import json, sys, h5py, lancedb, numpy as np
with h5py.File(sys.argv[1]) as f:
    ids, vectors = f['id'].asstr()[:], f['embedding'][:].astype('f4')
def answer(database, metric, nprobes, refine):
    table = lancedb.connect(database).open_table('${BUCKET}')
    answers = {}
    for id, vector in zip(ids, vectors):
        found = (table.search(vector, vector_column_name='embedding').distance_type(metric)
          .nprobes(nprobes).refine_factor(refine).limit(10).to_arrow())
        answers[id] = list(zip(found['id'].to_pylist(), found['_distance'].to_pylist()))
    return answers
print(json.dumps([answer(*settings) for settings in json.loads(sys.argv[2])]))`;

const PYTHON_ROWS = `
import json, sys, h5py, lancedb, numpy as np
table = lancedb.connect(sys.argv[1]).open_table('${BUCKET}')
arrow = table.to_arrow()
got = dict(zip(arrow['id'].to_pylist(), arrow['embedding'].to_pylist()))
expected = {}
for path in sys.argv[2:]:
    with h5py.File(path) as f: expected.update(zip(f['id'].asstr()[:], f['embedding'][:]))
index = table.list_indices()[0]
stats = table.index_stats(index.name)
print(json.dumps({
  'names': lancedb.connect(sys.argv[1]).table_names(), 'schema': [(f.name, str(f.type)) for f in arrow.schema],
  'rows': table.count_rows(), 'same': got.keys() == expected.keys() and all(np.array_equal(np.float32(got[k]), expected[k]) for k in expected),
  'filtered': table.search().where("id = 'it''s, \\"q\\" 7'").limit(5).to_arrow().num_rows,
  'index': [stats.index_type, stats.distance_type, stats.num_indexed_rows, stats.num_unindexed_rows],
}))`;

const NUMPY_EXACT = `
import json, sys, h5py, numpy as np
with h5py.File(sys.argv[1]) as f: q, qid = f['embedding'][:].astype('f8'), f['id'].asstr()[:]
X, ids = [], []
for path in sys.argv[3:]:
    with h5py.File(path) as f: X.append(f['embedding'][:].astype('f8')); ids += list(f['id'].asstr()[:])
X = np.concatenate(X); ids = np.array(ids); metric = sys.argv[2]
if metric == 'cosine': d = 1 - (q / np.linalg.norm(q, axis=1)[:, None]) @ (X / np.linalg.norm(X, axis=1)[:, None]).T
elif metric == 'dot': d = 1 - q @ X.T
else: d = ((q[:, None, :] - X[None]) ** 2).sum(2)
answers = {}
for i, id in enumerate(qid):
    order = np.lexsort((ids, d[i]))[:10]
    answers[id] = [(ids[j], d[i, j]) for j in order]
print(json.dumps(answers))`;

type Answers = Record<string, Array<[string, number]>>;

describe.skipIf(skip)('shards of h5py and the database of LanceFlow', () => {
  let folder = '';
  const shards = () => [join(folder, 'a.h5'), join(folder, 'b.h5')];
  const databases = new Map<string, string>();

  beforeAll(async () => {
    folder = await sharedFolder();
    await h5py(
      folder,
      `
centres = rng.standard_normal((40, 64))
def rows(n, seed): 
    r = np.random.default_rng(seed)
    return (centres[r.integers(0, 40, n)] + 0.5 * r.standard_normal((n, 64))).astype('f4')
shard('a.h5', rows(2500, 1), [f'it\\'s, "q" {i}' for i in range(2500)], compression='gzip', chunks=(100, 64))
shard('b.h5', rows(1500, 2), np.array([f'b{i}'.encode() for i in range(1500)]), id_type=None)
shard('q.h5', rows(30, 3), [f'query {i}' for i in range(30)])`,
    );
    for (const [metric, index] of [
      ['cosine', 'ivf-pq'],
      ['l2', 'ivf-rq'],
      ['dot', 'ivf-rq'],
    ] as const) {
      const options = { ingest: ['--metric', metric], index: ['--index', index] };
      databases.set(metric, (await buildDatabase(join(folder, metric), shards(), options)).database);
    }
  });

  async function search(metric: string, ...options: string[]): Promise<Answers> {
    const output = join(folder, `${metric}.parquet`);
    const where = ['--bucket', BUCKET, '--database', databases.get(metric)!, '--queries', join(folder, 'q.h5')];
    await runHere(['search-bucket', ...where, '--k', '10', '--output', output, ...options]);
    const answers: Answers = {};
    for (const { query, target, distance } of await readHitRows(output))
      answers[query] = [...(answers[query] ?? []), [target, distance]];
    return answers;
  }

  function expectSame(found: Answers, expected: Answers, tolerance: number): void {
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
    for (const [query, hits] of Object.entries(expected)) {
      expect(found[query]!.map(([id]) => id)).toEqual(hits.map(([id]) => id));
      for (const [i, [, distance]] of hits.entries())
        expect(Math.abs(found[query]![i]![1] - distance)).toBeLessThan(tolerance * Math.max(1, Math.abs(distance)));
    }
  }

  it('are read by Python’s LanceDB: the same rows, by name, by id, with their index', async () => {
    const read = await python(PYTHON_ROWS, databases.get('cosine')!, ...shards());
    expect(read).toEqual({
      names: [BUCKET],
      schema: [
        ['embedding', 'fixed_size_list<item: float>[64]'],
        ['id', 'string'],
      ],
      rows: 4000,
      same: true,
      filtered: 1,
      index: ['IVF_PQ', 'cosine', 4000, 0],
    });
  });

  it('have the same first 10 in Python’s LanceDB with the same index and settings', async () => {
    const settings = [
      ['cosine', 5, 10],
      ['cosine', 63, 40],
      ['l2', 8, 10],
      ['dot', 20, 10],
    ] as const;
    const requests = settings.map(([metric, ...rest]) => [databases.get(metric), metric, ...rest]);
    const theirs = await python<Answers[]>(PYTHON_SEARCH, join(folder, 'q.h5'), JSON.stringify(requests));
    for (const [i, [metric, nprobes, refine]] of settings.entries()) {
      const options = ['--search', 'ann', '--nprobes', `${nprobes}`, '--refine-factor', `${refine}`];
      expectSame(await search(metric, ...options), theirs[i]!, 1e-5);
    }
  });

  it.each(['cosine', 'l2', 'dot'])('are searched exactly as numpy does in double precision, by %s', async (metric) => {
    const groundTruth = await python<Answers>(NUMPY_EXACT, join(folder, 'q.h5'), metric, ...shards());
    expectSame(await search(metric, '--search', 'exact'), groundTruth, 1e-6);
  });

  it('have a catalog that describes them in plain JSON', async () => {
    const text = await readFile(join(databases.get('l2')!, '_catalog', `${BUCKET}.json`), 'utf8');
    const code =
      'import json,sys; e=json.load(open(sys.argv[1])); print(json.dumps([e["rows"], e["metric"], len(e["files"]) > 0]))';
    expect(await python(code, join(databases.get('l2')!, '_catalog', `${BUCKET}.json`))).toEqual([4000, 'l2', true]);
    expect(text.endsWith('\n')).toBe(true);
  });
});
