import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { askRows } from '../../support/ask.ts';
import { runHere, type Spoken } from '../../support/command.ts';
import { expectRefusalHere } from '../../support/refusal.ts';
import { missingPython, python, sharedFolder } from '../../support/run.ts';
import { h5py, randomRows, writeShard } from '../../support/shards.ts';

/**
 * Rows of four buckets, of which the first two are merged. Then p5 and p6 occur twice in one, p6 with the same values but for its length; p7 is
 * in two; and the last one keeps no columns.
 */
const WRITE = `
import h5py, json, numpy as np
rng = np.random.default_rng(7)
for bucket, rows in enumerate([300, 300, 300, 40]):
    ids = [f'p{i + 1000 * bucket}' for i in range(rows)]
    names = [f'{i} of {bucket}' for i in range(rows)]
    vectors = rng.standard_normal((rows, 12), dtype=np.float32)
    if bucket == 1: ids[0], ids[1], names[1] = 'p5', 'p6', '6 of 0'
    if bucket == 2: ids[7] = 'p7'
    with h5py.File(f's{bucket}.h5', 'w') as f:
        f['embedding'] = vectors
        f.create_dataset('id', data=ids, dtype=h5py.string_dtype())
        if bucket < 3:
            f.create_dataset('description', data=names, dtype=h5py.string_dtype())
            f.create_dataset('sequence', data=[n.replace(' of ', 'W').translate(str.maketrans('0123456789', 'ACDEFGHIKL')) for n in names], dtype=h5py.string_dtype())
            f['length'] = np.arange(rows) * 10 + bucket
print('null')`;

/** Checks with h5py that each description is that of the row whose vector has the distance, whatever its id. */
const CHECK = `
import csv, h5py, json, sys, numpy as np
files = [h5py.File(f'{sys.argv[2]}/s{b}.h5') for b in range(4)]
ids, names = ([f[name].asstr()[:] for f in files[:3]] for name in ['id', 'description'])
vectors = [f['embedding'][:].astype('f8') for f in files]
with h5py.File(f'{sys.argv[2]}/q.h5') as f: queries = dict(zip([i.decode() for i in f['id']], f['embedding'][:].astype('f8')))
count, rows = 0, list(csv.DictReader(open(sys.argv[1], newline='')))
for row in rows:
    if row['bucket'] == 'bucket_00005':
        assert row['description'] == '' and row['length'] == '', row
        continue
    q = queries[row['query_id']]
    b = int(row['length']) % 10
    i = int(row['length']) // 10
    assert (ids[b][i], names[b][i]) == (row['target_id'], row['description']), row
    v = vectors[b][i]
    assert abs(1 - q @ v / np.linalg.norm(q) / np.linalg.norm(v) - float(row['distance'])) < 1e-5, row
    count += 1
print(json.dumps([count, len(rows)]))`;

const QUERIES = 20;
let folder = '';
const at = (name: string) => join(folder, name);
const ask = (...options: string[]) => runHere(['ask', '--input', at('q.h5'), '--database', at('db'), ...options]);

beforeAll(async () => {
  folder = await sharedFolder();
  await h5py(folder, WRITE);
  for (const shard of [0, 1, 2, 3]) {
    const keep = shard === 3 ? 'none' : 'all';
    const pack = ['pack-buckets', '--input', at(`s${shard}.h5`), '--keep', keep, '--database', at('db')];
    await runHere([...pack, '--bucket-size', '600', '--output', at('plan.json')]);
    const bucket = ['--bucket', `bucket_0000${shard < 2 ? shard + 1 : shard + 2}`, '--database', at('db')];
    await runHere(['ingest-bucket', '--plan', at('plan.json'), ...bucket]);
    await runHere(['index-bucket', ...bucket]);
    if (shard === 1) await runHere(['merge-buckets', '--database', at('db'), '--below', '1000']);
  }
  await writeShard(at('q.h5'), randomRows(3, QUERIES, 12, 'q'), {});
});

describe.skipIf(missingPython())('ask --columns', () => {
  // ann in the large buckets; exact in all; a filter.
  it.each([
    ['--k', '30', '--nprobes', '99', '--refine-factor', '50'],
    ['--k', '800'],
    ['--k', '20', '--where', 'length < 3000'],
  ])('has the values of the rows that were found, also where ids occur twice: %j', async (...options) => {
    await ask('--columns', 'description,length', ...options, '--output', at('a.csv'));
    const plain = at('plain.csv');
    await ask(...options, '--output', plain);
    const [count, rows] = await python<number[]>(CHECK, at('a.csv'), folder);
    expect(rows).toBeGreaterThan(300);
    expect(count).toBeGreaterThan(rows! / 2);
    const lines = (await readFile(at('a.csv'), 'utf8')).trimEnd().split('\n');
    expect(lines[0]).toBe(`${(await readFile(plain, 'utf8')).split('\n')[0]},description,length`);
    expect(lines.map((line) => line.split(',').slice(0, 5))).toEqual(
      (await readFile(plain, 'utf8'))
        .trimEnd()
        .split('\n')
        .map((line) => line.split(',').slice(0, 5)),
    );
    if (options.includes('800')) for (const id of ['p5', 'p6', 'p7']) expect(lines.join('\n')).toContain(`,${id},`);
  });

  it('drops the values with the neighbours that --max-evalue drops', async () => {
    const wide = ['--k', '800', '--buckets', 'bucket_00003,bucket_00004', '--columns', 'description,length'];
    await ask(...wide, '--output', at('all.csv'));
    await ask(...wide, '--max-evalue', '400', '--output', at('few.csv'));
    const [kept, all] = await Promise.all(
      ['few.csv', 'all.csv'].map((name) => python<number[]>(CHECK, at(name), folder)),
    );
    expect(kept![1]).toBeLessThan(all![1]!);
    expect(kept![0]).toBeGreaterThan(0);
  });

  it('writes the same values in every format', async () => {
    const options = ['--k', '3', '--columns', 'length,description', '--output'];
    for (const name of ['f.csv', 'f.jsonl', 'f.parquet']) await ask(...options, at(name));
    const tables = await python<string[]>(
      `
import json, sys, pandas as pd
read = [pd.read_csv(sys.argv[1]), pd.read_json(sys.argv[2], lines=True), pd.read_parquet(sys.argv[3])]
print(json.dumps([t[['query_id', 'target_id', 'length', 'description']].astype({'length': 'float'}).fillna('').to_csv() for t in read]))`,
      ...['f.csv', 'f.jsonl', 'f.parquet'].map(at),
    );
    expect(tables[1]).toBe(tables[0]);
    expect(tables[2]).toBe(tables[0]);
  });

  it('writes the sequences of the neighbours as FASTA, each id once, and names ids with several', async () => {
    const spoken: Spoken = { lines: [] };
    const wide = ['ask', '--input', at('q.h5'), '--database', at('db'), '--k', '800'];
    await runHere([...wide, '--output', at('near.fasta')], spoken);
    const records = (await readFile(at('near.fasta'), 'utf8')).split(/^>/m).slice(1);
    expect(records).toContain('p9 9 of 0\nLWA\n');
    // All but the two repeated ids of the first bucket, and the one of both.
    expect(records).toHaveLength(600 - 2 + 300 - 1);
    expect(spoken.lines.join('\n')).toContain('40 targets without a sequence are not in the FASTA file');
    expect(spoken.lines.join('\n')).toContain(
      '2 targets have several sequences under one id, "p5" for example; the FASTA file has that of the first neighbour',
    );
    const { rows } = await askRows(['--id', 'p9', '--database', at('db'), '--k', '1', '--columns', 'sequence']);
    expect(rows).toEqual([expect.objectContaining({ target_id: 'p9', sequence: 'LWA' })]);
  });

  it('refuses unknown columns before the search, and lists those that there are', async () => {
    const base = ['ask', '--input', at('no-such-file.h5'), '--database', at('db'), '--k', '3'];
    await expectRefusalHere(
      [...base, '--columns', 'description,taxon'],
      64,
      /--columns taxon: no bucket of .* has this column\. The columns are description, length, sequence\./,
    );
    await expectRefusalHere([...base, '--columns', 'a,,b'], 64, /--columns "a,,b": name columns/);
    await expectRefusalHere(
      [...base, '--columns', 'length', '--format', 'fasta'],
      64,
      /--format fasta writes descriptions and sequences/,
    );
    await expectRefusalHere(
      [...base, '--buckets', 'bucket_00005', '--format', 'fasta'],
      64,
      /FASTA needs sequences, but no bucket of/,
    );
    const remote = 'arn:aws:states:eu-central-1:123456789012:stateMachine:lanceflow-ask';
    for (const option of [
      ['--columns', 'length'],
      ['--format', 'fasta'],
    ])
      await expectRefusalHere(['ask', 'MKTAYIAKQR', '--remote', remote, ...option], 64, /kept columns/);
  });
});

describe.skipIf(missingPython())('fetch-columns', () => {
  it('warns of ids whose rows differ, in a bucket and between buckets', async () => {
    const hits = ['bucket_00003', 'bucket_00004'].map((bucket) => ({ bucket, path: at(`${bucket}.parquet`) }));
    const search = [
      'search-bucket',
      '--database',
      at('db'),
      '--queries',
      at('q.h5'),
      '--k',
      '700',
      '--search',
      'exact',
    ];
    for (const { bucket, path } of hits) await runHere([...search, '--bucket', bucket, '--output', path]);
    const inputs = hits.map(({ path }) => path);
    await runHere(['merge-hits', '--input', ...inputs, '--k', '700', '--output', at('n.parquet')]);
    const spoken: Spoken = { lines: [] };
    const fetch = [
      'fetch-columns',
      '--neighbours',
      at('n.parquet'),
      '--database',
      at('db'),
      '--output',
      at('c.parquet'),
    ];
    await runHere([...fetch, '--columns', 'description', '--fasta', at('c.fasta')], spoken);
    const said = spoken.lines.join('\n');
    // p6 has the same values twice; p7 is another protein in each bucket.
    expect(said).toContain(
      '1 target has several rows with different columns in one bucket: "p5" (bucket_00003); the columns are those of the first row, which may not be the one that was found',
    );
    expect(said).toContain('1 target has several sequences under one id, "p7" for example');
    const plain: Spoken = { lines: [] };
    await runHere([...fetch, '--columns', 'length'], plain);
    expect(plain.lines.join('\n')).toContain(
      '2 targets have several rows with different columns in one bucket: "p5" (bucket_00003), "p6" (bucket_00003);',
    );
  });
});
