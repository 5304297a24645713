import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Database } from '../../../workers/src/database/database.ts';
import { runHere, type Spoken } from '../../support/command.ts';
import { buildDatabase } from '../../support/database.ts';
import { temporaryFolder } from '../../support/run.ts';
import { randomRows, sliceRows, writeShard } from '../../support/shards.ts';

it('warns of a changed file, whose old rows delete removes by its ids', async () => {
  const folder = await temporaryFolder();
  const rows = randomRows(1, 60, 16);
  const shard = join(folder, 'a.h5');
  await writeShard(shard, sliceRows(rows, 0, 30));
  const { database } = await buildDatabase(folder, [shard]);
  const old = join(folder, 'old.fasta');
  await writeFile(
    old,
    rows.ids
      .slice(0, 30)
      .map((id) => `>${id} of the old version\nMKV\n`)
      .join(''),
  );

  // Row 29 is no longer there, row 30 is new.
  await writeShard(shard, { ...sliceRows(rows, 1, 30), vectors: sliceRows(rows, 31, 60).vectors });
  const pack = (spoken: Spoken) =>
    runHere(['pack-buckets', '--input', shard, '--database', database, '--output', join(folder, 'p.json')], spoken);
  const spoken: Spoken = { lines: [] };
  expect((await pack(spoken)).warnings).toEqual([expect.stringContaining('still in bucket_00001')]);
  expect(spoken.lines.join('\n')).toMatch(/a\.h5: its content has changed since it was added/);

  expect(await runHere(['delete', '--database', database, '--ids', old])).toMatchObject({ rows: 30, missing: [] });
  await buildDatabase(folder, [shard]);
  const entries = await (await Database.open(database)).entries();
  expect(entries.map((entry) => entry.rows)).toEqual([0, 29]);
  // Fails on a duplicated id.
  await runHere(['verify', '--database', database]);

  // A renamed file is no change, also where another one has its name.
  const renamed = await writeShard(join(folder, 'b.h5'), sliceRows(rows, 0, 30));
  await writeShard(shard, randomRows(2, 30, 16, 'm'));
  const both = ['pack-buckets', '--input', shard, renamed, '--database', database];
  const result = await runHere([...both, '--output', join(folder, 'p.json')]);
  expect(result.warnings).toBeUndefined();
});

it('warns of a file of which the descriptions alone have changed, and of other values of a samplesheet', async () => {
  const folder = await temporaryFolder();
  const [fasta, shard] = [join(folder, 'a.fasta'), join(folder, 'a.h5')];
  const embed = async (description: string) => {
    await writeFile(fasta, `>a ${description}\nMKVLA\n>b same\nMKTLL\n`);
    await runHere(['embed-sequences', '--model', 'kmer', '--input', fasta, '--output', shard]);
  };
  await embed('uncharacterized protein');
  const { database } = await buildDatabase(folder, [shard]);
  const warningsOf = async (...options: string[]) => {
    const output = join(folder, 'p.json');
    const packed = ['pack-buckets', '--input', shard, '--database', database, '--output', output, ...options];
    const { rows, heldShards, warnings } = await runHere(packed);
    expect({ rows, heldShards }).toEqual({ rows: 0, heldShards: 1 });
    return warnings;
  };
  expect(await warningsOf()).toBeUndefined();
  const changed = [
    expect.stringMatching(/a\.h5: the database has these vectors with other columns or values .*bucket_00001/),
  ];
  expect(await warningsOf('--values', '{"taxon":"Bacteria"}')).toEqual(changed);
  await embed('alcohol dehydrogenase');
  expect(await warningsOf()).toEqual(changed);
});
