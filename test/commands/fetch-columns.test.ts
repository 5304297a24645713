import { existsSync } from 'node:fs';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../../workers/src/database/database.ts';
import { extraValue } from '../../workers/src/hits/extra-column.ts';
import { inspectNeighbours, readNeighbours } from '../../workers/src/hits/parquet/neighbours-reader.ts';
import { createNeighbours } from '../../workers/src/hits/parquet/neighbours-writer.ts';
import { runHere } from '../support/command.ts';
import { buildDatabase } from '../support/database.ts';
import { neighboursOf, packedHits } from '../support/hits.ts';
import { addColumns } from '../support/kept-columns.ts';
import { expectRefusalHere } from '../support/refusal.ts';
import { sharedFolder } from '../support/run.ts';
import { randomRows, sliceRows, writeShard } from '../support/shards.ts';

const QUERIES = 40;
const K = 5;
let folder = '';
let database = '';
let neighbours = '';
const at = (name: string) => join(folder, name);

/** What the first bucket says of a protein: every fifth has no description, every seventh no length. */
const row = (id: string) => Number(id.slice(1));
const descriptionOf = (id: string) => (row(id) % 5 === 0 ? null : `=kinase, "${id}" <b>`);
const sequenceOf = (id: string) => 'MKTAYIAKQR'.repeat((row(id) % 20) + 1);

beforeAll(async () => {
  folder = await sharedFolder();
  const rows = randomRows(5, 360, 12);
  // One id in two buckets.
  rows.ids[200] = 'p3';
  for (const [name, first, end] of [
    ['a.h5', 0, 180],
    ['b.h5', 180, 300],
    ['c.h5', 300, 360],
  ] as const)
    ({ database } = await buildDatabase(folder, [await writeShard(at(name), sliceRows(rows, first, end), {})]));
  await addColumns(database, 'bucket_00001', [
    { name: 'description', type: 'utf8', of: descriptionOf },
    { name: 'sequence', type: 'utf8', of: sequenceOf },
    { name: 'length', type: 'int64', of: (id) => (row(id) % 7 === 0 ? null : BigInt(row(id))) },
  ]);
  await addColumns(database, 'bucket_00002', [
    { name: 'sequence', type: 'utf8', of: (id) => `W${id}` },
    { name: 'length', type: 'float64', of: (id) => row(id) + 0.5 },
    { name: 'taxon', type: 'int64', of: () => 9606n },
  ]);
  const queries = await writeShard(at('queries.h5'), sliceRows(randomRows(6, QUERIES, 12), 0, QUERIES), {});
  const buckets = ['bucket_00001', 'bucket_00002', 'bucket_00003'];
  const search = ['search-bucket', '--database', database, '--queries', queries, '--k', `${K}`, '--search', 'exact'];
  for (const bucket of buckets) await runHere([...search, '--bucket', bucket, '--output', at(`${bucket}.parquet`)]);
  neighbours = at('neighbours.parquet');
  const hits = buckets.map((bucket) => at(`${bucket}.parquet`));
  await runHere(['merge-hits', '--input', ...hits, '--k', `${K}`, '--output', neighbours]);
});

const fetch = (...options: string[]) =>
  runHere(['fetch-columns', '--neighbours', neighbours, '--database', database, ...options]);

async function read(path: string) {
  const { extra } = await inspectNeighbours(path);
  const rows: ReturnType<typeof neighboursOf> = [];
  const values: Record<string, unknown>[] = [];
  for await (const batch of readNeighbours(path, extra))
    for (const [i, neighbour] of neighboursOf(batch).entries()) {
      rows.push(neighbour);
      values.push(
        Object.fromEntries(
          extra.flatMap(({ name }, column) =>
            name === 'evalue' ? [] : [[name, extraValue(batch.extra![column]!, i)]],
          ),
        ),
      );
    }
  return { extra, rows, values };
}

describe('fetch-columns', () => {
  it('adds the values of each neighbour, and null where its bucket or row has none', async () => {
    const before = await read(neighbours);
    const output = at('with.parquet');
    const report = await fetch('--columns', 'length,description,taxon', '--output', output, '--csv', at('with.csv'));
    expect(report).toMatchObject({ rows: QUERIES * K, buckets: 2, columns: ['length', 'description', 'taxon'] });
    const { extra, rows, values } = await read(output);
    expect(extra).toEqual([
      { name: 'evalue', type: 'float32' },
      { name: 'length', type: 'float64' },
      { name: 'description', type: 'utf8' },
      { name: 'taxon', type: 'int64' },
    ]);
    expect(rows).toEqual(before.rows);
    expect(new Set(rows.map(({ bucket }) => bucket)).size).toBe(3);
    const expected = rows.map(({ target, bucket }) => {
      if (bucket === 'bucket_00001')
        return { length: row(target) % 7 === 0 ? null : row(target), description: descriptionOf(target), taxon: null };
      if (bucket === 'bucket_00002') return { length: row(target) + 0.5, description: null, taxon: 9606n };
      return { length: null, description: null, taxon: null };
    });
    expect(values).toEqual(expected);
    expect((await inspectNeighbours(output)).metadata).toEqual((await inspectNeighbours(neighbours)).metadata);
    const csv = (await readFile(at('with.csv'), 'utf8')).split('\n');
    expect(csv[0]).toBe('query_id,rank,target_id,distance,bucket,evalue,length,description,taxon');
    const first = expected.findIndex(({ description }) => description !== null);
    // A formula is shown, never run.
    expect(csv[first + 1]).toContain(`"'=kinase, ""${rows[first]!.target}"" <b>"`);
  });

  it('replaces columns that are there, and gives the same bytes each time', async () => {
    await fetch('--columns', 'length,taxon', '--output', at('one.parquet'));
    const again = ['fetch-columns', '--neighbours', at('one.parquet'), '--database', database];
    await runHere([...again, '--columns', 'description,length', '--output', at('two.parquet')]);
    const { extra, values } = await read(at('two.parquet'));
    expect(extra.map(({ name }) => name)).toEqual(['evalue', 'taxon', 'description', 'length']);
    const { values: all } = await read(at('with.parquet'));
    expect(values).toEqual(all);
    await fetch('--columns', 'length,taxon', '--output', at('same.parquet'));
    expect(await readFile(at('same.parquet'))).toEqual(await readFile(at('one.parquet')));
  });

  it('writes each target once as FASTA, with its description', async () => {
    const report = await fetch('--fasta', at('near.fasta'), '--output', at('plain.parquet'));
    expect(await readFile(at('plain.parquet'))).toEqual(await readFile(neighbours));
    const { rows } = await read(neighbours);
    const firstOf = new Map<string, string>();
    for (const { target, bucket } of rows) if (!firstOf.has(target)) firstOf.set(target, bucket);
    const ids = [...firstOf.keys()].sort();
    const withSequence = ids.filter((id) => firstOf.get(id) !== 'bucket_00003');
    expect(report).toMatchObject({
      columns: [],
      fasta: { targets: withSequence.length, withoutSequence: ids.length - withSequence.length },
    });
    const records = withSequence.map((id) => {
      const isFirst = firstOf.get(id) === 'bucket_00001';
      const description = isFirst ? descriptionOf(id) : null;
      const sequence = isFirst ? sequenceOf(id) : `W${id}`;
      return `>${id}${description === null ? '' : ` ${description}`}\n${sequence.replace(/.{60}(?=.)/g, '$&\n')}\n`;
    });
    expect(await readFile(at('near.fasta'), 'utf8')).toBe(records.join(''));
  });
});

describe('fetch-columns refuses', () => {
  const args = (...options: string[]) => [
    'fetch-columns',
    '--neighbours',
    neighbours,
    '--database',
    database,
    ...options,
  ];

  it('a column that no bucket has, with the list of columns', async () => {
    await expectRefusalHere(
      args('--columns', 'taxon,family', '--output', at('x.parquet')),
      64,
      /--columns family: no bucket of .* has this column\. The columns are description, length, sequence, taxon\./,
    );
    await expectRefusalHere(args('--output', at('x.parquet')), 64, /Name what to fetch/);
    await expectRefusalHere(
      args('--columns', 'a,,b', '--output', at('x.parquet')),
      64,
      /--columns "a,,b": name columns/,
    );
    await expectRefusalHere(
      args('--fasta', at('x'), '--output', at('x')),
      64,
      /--fasta names another file of this command/,
    );
  });

  it('tables of other rows than those that were searched, and targets that are not there', async () => {
    const copy = at('copy');
    await cp(database, copy, { recursive: true });
    const changed = await Database.open(copy);
    const entry = await changed.requireEntry('bucket_00001');
    const given = ['--neighbours', neighbours, '--database', copy, '--columns', 'taxon', '--output', at('x.parquet')];
    await changed.writeEntry({ ...entry, recipe: 'another' });
    await expectRefusalHere(
      ['fetch-columns', ...given],
      65,
      /bucket_00001 of .* was built of other rows since this search/,
    );
    await changed.removeEntry('bucket_00001');
    await expectRefusalHere(
      ['fetch-columns', ...given],
      65,
      /its neighbours are of bucket_00001, but .* has bucket_00002, bucket_00003/,
    );

    // Neighbours that another program wrote, with a target that the bucket does not have.
    const foreign = at('foreign.parquet');
    const writer = await createNeighbours(foreign, 'none');
    const row = { query: 'q', target: 'no such\n', distance: 0, bucket: 'bucket_00002' };
    await writer.append({ ...packedHits([row]), ranks: Int32Array.of(1) });
    await writer.finish();
    await expectRefusalHere(
      ['fetch-columns', '--neighbours', foreign, ...given.slice(2)],
      65,
      /bucket_00002 of .* has no row "no such\\n"/,
    );
    expect(existsSync(at('x.parquet'))).toBe(false);
  });
});
