import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runHere } from '../support/command.ts';
import { missingPython, temporaryFolder } from '../support/run.ts';
import { missingServer } from '../support/s3.ts';
import { withDatabases } from '../support/s3-database.ts';
import { h5py } from '../support/shards.ts';

const WRITE = `
import h5py, numpy as np
rng = np.random.default_rng(7)
with h5py.File('a.h5', 'w') as f:
    f['embedding'] = rng.standard_normal((1500, 8), dtype=np.float32)
    for name in ('id', 'description', 'sequence'):
        texts = [f'p{i}' if name == 'id' else f'{name} of p{i}' for i in range(1500)]
        f.create_dataset(name, data=texts, dtype=h5py.string_dtype())
print('null')`;

describe.skipIf(missingServer('moto') || missingPython())('fetch-columns', () => {
  withDatabases();

  it('reads the columns of a database on S3 in place, as from a folder', async () => {
    const folder = await temporaryFolder();
    const at = (name: string) => join(folder, name);
    await h5py(folder, WRITE);
    const pack = ['pack-buckets', '--input', at('a.h5'), '--bucket-size', '2000', '--keep', 'all'];
    for (const database of [at('db'), 's3://lance/columns']) {
      await runHere([...pack, '--database', database, '--output', at('plan.json')]);
      const bucket = ['--bucket', 'bucket_00001', '--database', database];
      await runHere(['ingest-bucket', '--plan', at('plan.json'), ...bucket, '--work', folder]);
      await runHere(['index-bucket', ...bucket, '--work', folder]);
    }
    const bucket = ['--bucket', 'bucket_00001', '--database', at('db')];
    await runHere(['search-bucket', ...bucket, '--queries', at('a.h5'), '--k', '3', '--output', at('h.parquet')]);
    await runHere(['merge-hits', '--input', at('h.parquet'), '--k', '3', '--output', at('n.parquet')]);
    const outputs: Buffer[] = [];
    for (const database of [at('db'), 's3://lance/columns']) {
      const files = ['--csv', at('c.csv'), '--fasta', at('c.fasta'), '--output', at('c.parquet')];
      await runHere([
        'fetch-columns',
        '--neighbours',
        at('n.parquet'),
        '--database',
        database,
        '--columns',
        'description',
        ...files,
      ]);
      for (const name of ['c.parquet', 'c.csv', 'c.fasta']) outputs.push(await readFile(at(name)));
    }
    expect(outputs.slice(3)).toEqual(outputs.slice(0, 3));
    const rows = outputs[1]!
      .toString()
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split(','));
    expect(rows).toHaveLength(4500);
    for (const [, , target, , , , description] of rows) expect(description).toBe(`description of ${target}`);
    expect(outputs[2]!.toString()).toContain('>p7 description of p7\nsequenceofp7\n');

    // ask reads the columns of the rows that it found: the table is not fetched.
    const answers: Buffer[] = [];
    for (const database of [at('db'), 's3://lance/columns'])
      for (const [name, options] of [
        ['d.csv', ['--columns', 'description']],
        ['d.fasta', []],
      ] as const) {
        const ask = ['ask', '--id', 'p7', '--database', database, '--k', '5', ...options, '--output', at(name)];
        const report = await runHere(ask);
        answers.push(await readFile(at(name)));
        if (database.startsWith('s3:'))
          expect(report).toMatchObject({
            rows: 5,
            isEstimated: true,
            columns: { requests: name === 'd.csv' ? 5 : 10 },
          });
      }
    expect(answers.slice(2)).toEqual(answers.slice(0, 2));
    const found = answers[0]!.toString().trimEnd().split('\n').slice(1);
    expect(found).toHaveLength(5);
    for (const line of found) expect(line).toMatch(/,(p\d+),.*,description of \1$/);
    expect(answers[1]!.toString()).toContain('>p7 description of p7\nsequenceofp7\n');
  });
});
