import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../workers/src/base/errors.ts';
import { runHere } from '../support/command.ts';
import { bruteForce, readHitRows } from '../support/database.ts';
import type { Hit } from '../support/hits.ts';
import { missingPython, sharedFolder } from '../support/run.ts';
import { h5py, type Rows, readShard } from '../support/shards.ts';

// Searches with --where, against brute force in double precision over the rows that plain JavaScript selects.

const ROWS = 6000;
const K = 10;

interface Row {
  id: string;
  length: number;
  taxon: string | null;
  /** NaN in the file, null in the table. */
  score: number | null;
  /** Columns of words of SQL. */
  select: string | null;
  order: number | null;
}

/** Buckets: the rows of a.h5 with both columns, those of b.h5 without taxon. */
const rowOf = (i: number): Row => ({
  ...{ id: `a${i}`, length: (i * 7) % 1000, taxon: `t${i % 4} o'x` },
  ...{ score: i % 3 === 0 ? null : i / ROWS, select: `s${i % 5}`, order: i % 6 },
});
const LACKING = 1500;
const LACKED = { taxon: null, score: null, select: null, order: null };

const FILTERS: Array<[where: string, selects: (row: Row) => boolean]> = [
  ["taxon = 't1 o''x' OR taxon = 't2 o''x'", ({ taxon }) => taxon === "t1 o'x" || taxon === "t2 o'x"],
  ['length >= 300 AND length < 500', ({ length }) => length >= 300 && length < 500],
  ["LENGTH = 343 AND taxon LIKE 't%' -- one in 4,000", ({ length, taxon }) => length === 343 && taxon !== null],
  ["id = 'a77'", ({ id }) => id === 'a77'],
  ['length > 5000', () => false],
  ["`select` = 's1' AND order > 2 AND `Order` < 5", ({ select, order }) => select === 's1' && order! > 2 && order! < 5],
  ['score > 0.5', ({ score }) => score !== null && score > 0.5],
  ['NOT (score > 0.5)', ({ score }) => score !== null && score <= 0.5],
  ['score IS NULL', ({ score }) => score === null],
  ['score <> 2 OR score IS NULL AND length = 9', ({ score, length }) => score !== null || length === 9],
  ['taxon IS NULL AND `length` <= 20', ({ taxon, length }) => taxon === null && length <= 20],
];

let folder = '';
let tables: Array<{ bucket: string; rows: Rows; facts: Map<string, Row> }> = [];
let queries: Rows;

describe.skipIf(missingPython())('a search with a filter', () => {
  beforeAll(async () => {
    folder = await sharedFolder();
    await h5py(
      folder,
      `
centres = rng.standard_normal((40, 32))
def rows(count): return (centres[rng.integers(0, 40, count)] + 0.6 * rng.standard_normal((count, 32))).astype('f4')
shard('a.h5', rows(${ROWS}), [f'a{i}' for i in range(${ROWS})])
shard('b.h5', rows(${LACKING}), [f'b{i}' for i in range(${LACKING})])
shard('q.h5', rows(25), [f'q{i}' for i in range(25)])
with h5py.File('a.h5', 'a') as f:
    f['length'] = [i * 7 % 1000 for i in range(${ROWS})]
    f['taxon'] = [f"t{i % 4} o'x" for i in range(${ROWS})]
    f['score'] = [np.nan if i % 3 == 0 else i / ${ROWS} for i in range(${ROWS})]
    f['select'] = [f's{i % 5}' for i in range(${ROWS})]
    f['Order'] = np.arange(${ROWS}) % 6
with h5py.File('b.h5', 'a') as f: f['length'] = np.arange(${LACKING})
print('null')`,
    );
    const at = (name: string) => join(folder, name);
    const database = at('db');
    const plan = at('plan.json');
    await runHere([
      'pack-buckets',
      '--input',
      at('a.h5'),
      at('b.h5'),
      '--keep',
      'all',
      '--bucket-size',
      `${ROWS}`,
      '--output',
      plan,
    ]);
    for (const bucket of ['bucket_00001', 'bucket_00002']) {
      await runHere(['ingest-bucket', '--plan', plan, '--bucket', bucket, '--database', database]);
      await runHere(['index-bucket', '--bucket', bucket, '--database', database]);
    }
    const [a, b] = [await readShard(at('a.h5')), await readShard(at('b.h5'))];
    const factsOf = (rows: Rows, of: (i: number) => Row) => new Map(rows.ids.map((id, i) => [id, of(i)]));
    tables = [
      { bucket: 'bucket_00001', rows: a, facts: factsOf(a, rowOf) },
      { bucket: 'bucket_00002', rows: b, facts: factsOf(b, (i) => ({ id: `b${i}`, length: i, ...LACKED })) },
    ];
    queries = await readShard(at('q.h5'));
  });

  async function search(bucket: string, where: string, ...options: string[]): Promise<Hit[]> {
    const output = join(folder, 'hits.parquet');
    const places = ['--database', join(folder, 'db'), '--queries', join(folder, 'q.h5'), '--output', output];
    await runHere(['search-bucket', '--bucket', bucket, ...places, '--k', `${K}`, '--where', where, ...options]);
    return readHitRows(output);
  }

  function expected({ bucket, rows, facts }: (typeof tables)[number], selects: (row: Row) => boolean): Hit[] {
    const chosen = rows.ids.flatMap((id, row) => (selects(facts.get(id)!) ? [row] : []));
    const { dimension } = rows;
    const vectors = Float32Array.from(
      chosen.flatMap((row) => [...rows.vectors.subarray(row * dimension, (row + 1) * dimension)]),
    );
    const selected = { dimension, ids: chosen.map((row) => rows.ids[row]!), vectors };
    return bruteForce(queries, selected, 'cosine', K, bucket);
  }

  const pairs = (hits: readonly Hit[]) => hits.map(({ query, target }) => `${query} ${target}`);

  it.each(FILTERS)('finds by exact what brute force finds: %s', async (where, selects) => {
    for (const table of tables) {
      const hits = await search(table.bucket, where, '--search', 'exact');
      const truth = expected(table, selects);
      expect(pairs(hits)).toEqual(pairs(truth));
      for (const [i, { distance }] of hits.entries()) expect(distance).toBeCloseTo(truth[i]!.distance, 5);
    }
  });

  it.each(FILTERS)('finds nearly the same by scan and by the index: %s', async (where, selects) => {
    const [table] = tables as [(typeof tables)[number]];
    const truth = new Set(pairs(expected(table, selects)));
    for (const strategy of ['scan', 'ann', 'auto']) {
      const hits = await search(table.bucket, where, '--search', strategy);
      expect(hits.every(({ target }) => selects(table.facts.get(target)!))).toBe(true);
      expect(hits).toHaveLength(truth.size);
      expect(pairs(hits).filter((pair) => truth.has(pair)).length).toBeGreaterThanOrEqual(0.95 * truth.size);
    }
  });

  it('answers ask with the same rows, and with nothing where none is selected', async () => {
    const [where, selects] = FILTERS[1]!;
    const ask = async (condition: string) => {
      const output = join(folder, 'answer.parquet');
      const places = ['--database', join(folder, 'db'), '--input', join(folder, 'q.h5'), '--buckets', 'bucket_00001'];
      await runHere(['ask', ...places, '--k', `${K}`, '--where', condition, '--format', 'parquet', '--output', output]);
      return readHitRows(output);
    };
    const truth = new Set(pairs(expected(tables[0]!, selects)));
    const hits = await ask(where);
    expect(hits).toHaveLength(truth.size);
    expect(pairs(hits).filter((pair) => truth.has(pair)).length).toBeGreaterThanOrEqual(0.95 * truth.size);
    expect(await ask('length > 5000')).toEqual([]);
  });

  it.each([
    ["taxn = 'x'", /No field named taxn.*on the columns id, .*length.*taxon/],
    ["select = 's1'", /sql parser error/],
    ["`SELECT` = 's1'", /No field named `SELECT`|No field named "SELECT"/],
    ["taxon = 'x", /Unterminated string literal/],
    ['taxon = "t1"', /No field named t1/],
    ['length in (SELECT 5)', /is not supported SQL/],
    ['length', /does not return a boolean/],
    ['length > 5; DROP TABLE bucket_00001', /sql parser error/],
    ['length > 5 LIMIT 3', /sql parser error/],
    ['length >', /sql parser error/],
    ["length = 'x'", /could not convert/],
    ['length / 0 > 1', /Divide by zero error\. Write/],
    ['CAST(taxon AS INT) > 1', /Cannot cast string 't\d o'x' to value of Int32 type\. Write/],
  ])('refuses %s, and names the columns', async (where, problem) => {
    const error = await search('bucket_00001', where).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(problem);
    expect((error as Error).message).toContain(
      'on the columns id, Order, length, score, `select`, taxon, with these backticks',
    );
  });

  it('computes E-values from the selected rows, also where a bucket has none', async () => {
    const [where, selects] = FILTERS[0]!;
    const places = ['--database', join(folder, 'db'), '--k', `${K}`, '--where', where];
    const hits = tables.map(({ bucket }) => join(folder, `${bucket}.parquet`));
    for (const [i, { bucket }] of tables.entries())
      await runHere([
        'search-bucket',
        ...['--bucket', bucket, ...places, '--queries', join(folder, 'q.h5'), '--search', 'ann', '--output', hits[i]!],
      ]);
    const [merged, asked] = [join(folder, 'merged.csv'), join(folder, 'asked.csv')];
    const all = ['--max-evalue', '1e9'];
    const neighbours = join(folder, 'merged.parquet');
    await runHere(['merge-hits', '--input', ...hits, '--k', `${K}`, '--output', neighbours, '--csv', merged, ...all]);
    await runHere(['ask', ...places, '--input', join(folder, 'q.h5'), '--output', asked, ...all]);
    const text = await readFile(merged, 'utf8');
    expect(await readFile(asked, 'utf8')).toBe(text);
    const [header, ...rows] = text.trim().split(/\r?\n/);
    expect(header).toMatch(/,evalue$/);
    const selected = [...tables[0]!.facts.values()].filter(selects).length;
    const evalues = rows.map((row) => Number(row.split(',').at(-1)));
    expect(Math.max(...evalues)).toBeLessThanOrEqual(selected);
  });

  it('keeps the filter in the hits, which are not merged with those of another', async () => {
    const places = ['--database', join(folder, 'db'), '--queries', join(folder, 'q.h5')];
    const hits = (name: string) => join(folder, `${name}.parquet`);
    const run = (bucket: string, name: string, ...options: string[]) =>
      runHere(['search-bucket', '--bucket', bucket, ...places, '--output', hits(name), ...options]);
    await run('bucket_00001', 'one', '--where', 'length > 5');
    await run('bucket_00002', 'two', '--where', 'length > 5');
    await run('bucket_00002', 'other', '--where', 'length > 6');
    await run('bucket_00002', 'none');
    const merge = (other: string) =>
      runHere(['merge-hits', '--input', hits('one'), hits(other), '--k', '10', '--output', hits('merged')]);
    await expect(merge('two')).resolves.toMatchObject({ rows: 250 });
    await expect(merge('other')).rejects.toThrow('--where');
    await expect(merge('none')).rejects.toThrow('--where');
  });
});
