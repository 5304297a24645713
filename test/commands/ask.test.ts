import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { askRows } from '../support/ask.ts';
import { runHere } from '../support/command.ts';
import { bruteForce, buildDatabase } from '../support/database.ts';
import { expectRefusalHere } from '../support/refusal.ts';
import { lanceflow, missingPython, python, ROOT, run, sharedFolder } from '../support/run.ts';
import { type Rows, randomRows, sliceRows, writeShard } from '../support/shards.ts';

const skip = missingPython();
const MODEL = { model: 'esm', model_hash: 'abc' };
let folder = '';
let database = '';
let rows: Rows;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await sharedFolder();
  rows = randomRows(5, 900, 12);
  rows.ids[7] = "x'; DROP TABLE y; --";
  rows.ids[8] = 'a "quoted", id';
  const shards = await Promise.all(
    [0, 300, 600].map((first) => writeShard(at(`s${first}.h5`), sliceRows(rows, first, first + 300), MODEL)),
  );
  ({ database } = await buildDatabase(folder, shards, { bucketSize: 300 }));
});

describe.skipIf(skip)('ask', () => {
  it('finds the nearest of all buckets by an id, whatever its characters', async () => {
    for (const row of [7, 8, 899]) {
      const answer = await askRows(['--id', rows.ids[row]!, '--database', database, '--k', '5', '--nprobes', '99']);
      const expected = bruteForce(sliceRows(rows, row, row + 1), rows, 'cosine', 5, '');
      expect(answer.rows.map(({ target_id }) => target_id)).toEqual(expected.map(({ target }) => target));
      expect(answer.rows.map(({ rank }) => rank)).toEqual(['1', '2', '3', '4', '5']);
      expect(answer.code).toBe(0);
    }
  });

  it('writes the same neighbours in every format', async () => {
    const queries = await writeShard(at('q.h5'), sliceRows(rows, 0, 4), MODEL);
    const ask = (output: string) =>
      runHere(['ask', '--input', queries, '--database', database, '--k', '3', '--output', at(output)]);
    const reports = await Promise.all(['a.csv', 'a.csv.gz', 'a.jsonl', 'a.parquet'].map(ask));
    expect(reports.map((report) => report.rows)).toEqual([12, 12, 12, 12]);
    expect(reports[0]).toMatchObject({ queries: 4, k: 3, vectors: 900, failed: [], readBytes: 0 });
    const [csv, gz, jsonl, parquet] = await python<string[][][]>(
      `
import json, sys, pandas as pd
read = [pd.read_csv(sys.argv[1]), pd.read_csv(sys.argv[2]), pd.read_json(sys.argv[3], lines=True), pd.read_parquet(sys.argv[4])]
print(json.dumps([[[str(v) for v in row] for row in t.astype({'distance': 'float32', 'evalue': 'float32'}).values.tolist()] for t in read]))`,
      ...['a.csv', 'a.csv.gz', 'a.jsonl', 'a.parquet'].map(at),
    );
    expect(csv).toHaveLength(12);
    expect(gz).toEqual(csv);
    expect(jsonl).toEqual(csv);
    expect(parquet).toEqual(csv);
  });

  it('writes to standard output under any name, and through a pipe of the shell', async () => {
    const argv = ['ask', '--id', 'p1', '--database', database, '--k', '2'];
    const { stdout: expected } = await lanceflow(argv);
    const bash = (line: string) => run('bash', ['-c', line, join(ROOT, 'bin/lanceflow'), ...argv], { cwd: folder });
    const parquet = bash('"$0" "$@" --format parquet --output - > stdout.parquet');
    const [dash, appended, shell] = await Promise.all(
      [
        '"$0" "$@" --output -',
        'echo a > b; "$0" "$@" --output /dev/stdout >> b; cat b',
        '"$0" "$@" --output >(cat)',
      ].map(bash),
    );
    expect(dash!.stdout).toBe(expected);
    expect(appended!.stdout).toBe(`a\n${expected}`);
    expect(shell!.stdout).toBe(expected);
    expect((await parquet).code).toBe(0);
    const count = 'import sys, pandas as pd\nprint(len(pd.read_parquet(sys.argv[1])))';
    expect(await python(count, at('stdout.parquet'))).toBe(2);
  });

  it('shows a table of at most 80 columns', async () => {
    const { stdout } = await lanceflow(['ask', '--id', rows.ids[7]!, '--database', database, '--format', 'table']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(12);
    expect(lines[0]).toBe(`neighbours of ${rows.ids[7]}`);
    expect(lines[2]).toMatch(/^ {4}1 {2}x'; DROP TABLE y; -- +0\.00000 +bucket_0000\d +\S+$/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('names the buckets that fail, and answers without them only where that is allowed', async () => {
    const broken = at('broken');
    await buildDatabase(folder, [at('s0.h5'), at('s300.h5')], { database: broken, bucketSize: 300 });
    await rm(join(broken, 'bucket_00002.lance/data'), { recursive: true });
    const argv = ['--input', at('s600.h5'), '--database', broken, '--k', '2', '--buckets', 'bucket_00001,bucket_00002'];
    await expectRefusalHere(['ask', ...argv, '--output', at('none.csv')], 65, /bucket_00002 is damaged/);
    expect(await readdir(folder)).not.toContain('none.csv');
    const { code, stdout, stderr } = await lanceflow(['ask', ...argv, '--allow-partial']);
    expect(code).toBe(75);
    expect(stdout.split('\n').slice(-2)).toEqual(['# partial answer without bucket_00002', '']);
    expect(stderr).toMatch(/bucket_00002 is damaged/);
    const report = await runHere(['ask', ...argv, '--allow-partial', '--output', at('part.jsonl')]);
    expect(report.failed).toEqual([{ bucket: 'bucket_00002', error: expect.stringMatching(/is damaged/) }]);
    expect((await readFile(at('part.jsonl'), 'utf8')).trimEnd().split('\n').at(-1)).toBe(
      '{"partial":true,"failed_buckets":["bucket_00002"]}',
    );
    await runHere(['ask', ...argv, '--allow-partial', '--output', at('part.parquet')]);
    const metadata = await python<string>(
      'import sys, json, pyarrow.parquet as pq\nprint(json.dumps(pq.read_metadata(sys.argv[1]).metadata[b"lanceflow"].decode()))',
      at('part.parquet'),
    );
    expect(JSON.parse(metadata)['lanceflow.failed_buckets']).toBe('["bucket_00002"]');
    await rm(join(broken, 'bucket_00001.lance/data'), { recursive: true });
    await expectRefusalHere(
      ['ask', ...argv, '--allow-partial', '--output', at('none.csv')],
      65,
      /^None of the 2 buckets/,
    );
  });

  it('embeds a sequence with the model of the database', async () => {
    const fasta = at('kmer.fa');
    const sequences = [
      'MVLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSFPTTKTYFPHFD',
      'MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDG',
    ];
    await writeFile(fasta, sequences.map((sequence, i) => `>s${i}\n${sequence}\n`).join(''));
    await runHere(['embed-sequences', '--model', 'kmer', '--input', fasta, '--output', at('kmer.h5')]);
    const { database: kmers } = await buildDatabase(folder, [at('kmer.h5')], { database: at('kmers') });
    for (const argv of [[sequences[1]!.toLowerCase()], ['--sequence', `${sequences[1]}*`]]) {
      const { rows: found } = await askRows([...argv, '--database', kmers, '--k', '1']);
      expect(found).toEqual([
        { query_id: 'query', rank: '1', target_id: 's1', distance: '0', bucket: 'bucket_00001', evalue: '2' },
      ]);
    }
    const { rows: found } = await askRows(['--input', fasta, '--database', kmers, '--k', '1']);
    expect(found.map((row) => [row.query_id, row.target_id])).toEqual([
      ['s0', 's0'],
      ['s1', 's1'],
    ]);
    await expectRefusalHere(['ask', fasta, '--database', kmers], 64, /is a file, not a sequence/);
    await expectRefusalHere(['ask', 'MK1', '--database', kmers], 65, /is not a protein letter/);
    await expectRefusalHere(['ask', sequences[0]!, '--database', database], 64, /embedded by esm.*--model FOLDER/);
    await expectRefusalHere(
      ['ask', sequences[0]!, '--model', 'kmer', '--database', database],
      65,
      /the database's own model/,
    );
  });

  const wrong: [string, string[], number, RegExp][] = [
    ['k = 0', ['--id', 'p1', '--k', '0'], 64, /--k must be a whole number from 1 to 50000, not 0/],
    ['a huge k', ['--id', 'p1', '--k', '1000000000'], 64, /from 1 to 50000/],
    ['a k that is no number', ['--id', 'p1', '--k', 'ten'], 64, /--k must be a whole number.*NaN/],
    ['no probes', ['--id', 'p1', '--nprobes', '0'], 64, /--nprobes must be a whole number from 1/],
    ['no time', ['--id', 'p1', '--timeout', '0'], 64, /--timeout must be/],
    ['an unknown id', ['--id', 'p9999'], 65, /--id "p9999" is not in the database/],
    ['an id that looks like SQL', ['--id', "' OR '1' = '1"], 65, /is not in the database/],
    ['an unknown bucket', ['--id', 'p1', '--buckets', 'bucket_00001,bucket_00099'], 65, /no bucket bucket_00099/],
    ['two sources', ['MKT', '--id', 'p1'], 64, /The sequence and --id both name queries/],
    ['two sequences', ['MKT', 'MKV'], 64, /one sequence/],
    ['an unknown option', ['--id', 'p1', '--nprobe', '3'], 64, /Unknown option --nprobe\. Did you mean --nprobes/],
    ['no format', ['--id', 'p1', '--output', 'x.txt'], 64, /its name does not say the format/],
    ['compressed Parquet', ['--id', 'p1', '--output', 'x.parquet.gz'], 64, /its name does not say the format/],
    ['an infinite distance', ['--id', 'p1', '--max-distance', 'Infinity'], 64, /--max-distance must be a number/],
    ['a distance that is no number', ['--id', 'p1', '--max-distance', 'far'], 64, /--max-distance must be a number/],
    ['a table in a file', ['--id', 'p1', '--output', 'x.csv', '--format', 'table'], 64, /is for terminals/],
    ['Parquet on standard output', ['--id', 'p1', '--format', 'parquet'], 64, /needs --output/],
    ['two answers on standard output', ['--id', 'p1', '--json'], 64, /Write the neighbours to a file/],
    [
      'a report and an answer on standard output',
      ['--id', 'p1', '--json', '--output', '-'],
      64,
      /--output and --json both/,
    ],
    ['a whole bucket', ['--id', 'p1', '--format', 'csv', '--output', 's3://lance/'], 64, /names a whole bucket/],
    ['another scheme', ['--id', 'p1', '--output', 'gs://b/x.csv'], 64, /"gs:" is not supported/],
  ];
  it.each(wrong)('refuses %s', async (_, argv, code, message) => {
    await expectRefusalHere(['ask', ...argv, '--database', database], code, message);
  });

  it('takes vectors in every format that the pipeline takes, also in several files', async () => {
    const queries = sliceRows(rows, 20, 24);
    await writeShard(at('same.h5'), queries, MODEL);
    await python(
      `
import json, os, sys, h5py, numpy as np, pyarrow as pa, pyarrow.parquet as pq
os.chdir(sys.argv[1])
with h5py.File('same.h5') as f: X, ids = f['embedding'][:], [i.decode() for i in f['id'][:]]
pq.write_table(pa.table(dict(id=ids, embedding=pa.array(list(X), type=pa.large_list(pa.float32())))), 'same.parquet')
np.save('same.npy', X); open('same.txt', 'w').write('\\n'.join(ids))
for i in range(2): np.save(f'half{i}.npy', X[2 * i:2 * i + 2]); open(f'half{i}.txt', 'w').write('\\n'.join(ids[2 * i:2 * i + 2]))
with h5py.File('each.h5', 'w') as f:
    for i, x in zip(ids, X): f[i] = x
with h5py.File('named.h5', 'w') as f: f['a'] = X; f['b'] = X + 1; f['x'] = ids; f['y'] = ids[::-1]
pq.write_table(pa.table(dict(id=ids, embedding=list(X[:, :5]))), 'short.parquet')
open('cut.parquet', 'wb').write(open('same.parquet', 'rb').read()[:-20])
pq.write_table(pa.table(dict(id=ids[:0], embedding=pa.array([], pa.list_(pa.float32())))), 'empty.parquet')`,
      folder,
    );
    const argv = ['--database', database, '--k', '3'];
    const answer = async (...files: string[]) => {
      const named = files[0] === 'named.h5' ? ['--h5-embedding', 'a', '--h5_id', 'x'] : [];
      await runHere(['ask', '--input', ...files.map(at), ...named, ...argv, '--output', at('same.csv')]);
      return readFile(at('same.csv'), 'utf8');
    };
    const expected = await answer('same.h5');
    expect(expected.split('\n')).toHaveLength(14);
    for (const files of [['same.parquet'], ['same.npy'], ['half0.npy', 'half1.npy'], ['each.h5'], ['named.h5']])
      expect(await answer(...files), files.join()).toBe(expected);
    const refuse = (files: string[], code: number, message: RegExp, ...more: string[]) =>
      expectRefusalHere(['ask', '--input', ...files.map(at), ...argv, ...more], code, message);
    await refuse(['same.parquet', 'short.parquet'], 65, /short\.parquet have vectors of two models or dimensions/);
    await refuse(['cut.parquet'], 65, /cut\.parquet: this Parquet file cannot be read/);
    await refuse(['empty.parquet'], 65, /empty\.parquet: no vectors in this file/);
    await refuse(['same.parquet'], 64, /--h5-embedding and --h5-id are for HDF5 files/, '--h5-id', 'x');
    await refuse(['named.h5'], 65, /it is not clear which datasets/);
    await writeFile(at('query.fa'), '>q\nMKTAYIAKQRQISFVKSHFSRQ\n');
    await refuse(['same.parquet', 'query.fa'], 64, /names FASTA files and files of vectors/);
    await refuse(['query.fa'], 64, /name datasets of HDF5 files, but --input names none/, '--h5-id', 'x');
  });

  it('refuses to replace a file of queries', async () => {
    const queries = await writeShard(at('kept.h5'), sliceRows(rows, 0, 2), MODEL);
    const before = await readFile(queries);
    await symlink(queries, at('link.csv'));
    for (const output of [queries, at('link.csv')]) {
      const argv = ['ask', '--input', queries, '--database', database, '--format', 'csv', '--output', output];
      await expectRefusalHere(argv, 64, /--output names a file of --input/);
    }
    expect(await readFile(queries)).toEqual(before);
  });

  it('answers with settings far above the sizes of the database', async () => {
    const argv = ['ask', '--id', 'p1', '--database', database, '--k', '901'];
    const huge = ['--concurrency', '--nprobes', '--refine-factor'].flatMap((option) => [option, '9007199254740991']);
    const report = await runHere([...argv, ...huge, '--exclude-self', '--output', at('all.csv')]);
    expect(report.rows).toBe(899);
  });

  it('compresses by the ending of a name, in capitals too', async () => {
    await runHere(['ask', '--id', 'p1', '--database', database, '--output', at('CAPITALS.CSV.GZ')]);
    expect(gunzipSync(await readFile(at('CAPITALS.CSV.GZ'))).toString()).toMatch(/^query_id,.*\np1,1,p1,/);
  });

  it('refuses vectors that cannot be searched', async () => {
    const bad = async (name: string, change: (rows: Rows) => void, dimension = 12) => {
      const queries = randomRows(9, 3, dimension);
      change(queries);
      const shard = await writeShard(at(name), queries);
      return ['ask', '--input', shard, '--database', database, '--output', at('none.csv')];
    };
    await expectRefusalHere(await bad('dimension.h5', () => {}, 8), 65, /8 components, but bucket_0000\d has 12/);
    await expectRefusalHere(
      await bad('zero.h5', ({ vectors }) => vectors.fill(0, 12, 24)),
      65,
      /row 1 .*all zero.*cosine/,
    );
    const twice = await bad('twice.h5', ({ ids }) => ids.fill('p0'));
    for (const partial of [[], ['--allow-partial']])
      await expectRefusalHere([...twice, ...partial], 65, /^[^:]*twice\.h5: duplicated query id "p0"/);
    expect(await readdir(folder)).not.toContain('none.csv');
  });
});
