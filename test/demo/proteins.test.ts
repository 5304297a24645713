import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DEMO_SETTINGS, planFamilies } from '../../demo/families.ts';
import { writeProteins } from '../../demo/proteins.ts';
import { parseMemberships } from '../../demo/score.ts';
import { columnTexts } from '../../workers/src/base/bytes/utf8-column.ts';
import { readFasta } from '../../workers/src/fasta/fasta.ts';
import { temporaryFolder } from '../support/run.ts';

const SETTINGS = { ...DEMO_SETTINGS, families: 20, proteins: 501, queries: 7 };

async function recordsOf(path: string): Promise<Array<[id: string, sequence: string]>> {
  const records: Array<[string, string]> = [];
  for await (const { ids, sequences } of readFasta(path, { records: 100, residues: 1 << 20 }))
    records.push(...columnTexts(ids).map((id, i): [string, string] => [id, sequences[i]!]));
  return records;
}

test('writes FASTA files, queries and the table of families, once', async () => {
  const folder = join(await temporaryFolder(), 'data');
  const files = await writeProteins(folder, SETTINGS);
  expect(files.made).toBe(true);
  const names = (await readdir(files.proteins)).sort();
  expect(names).toHaveLength(6);
  expect(names.at(-1)).toMatch(/\.gz$/);

  const families = planFamilies(SETTINGS);
  const memberships = parseMemberships(await readFile(files.familyTable, 'utf8'));
  expect(memberships.size).toBe(508);
  const proteins = (await Promise.all(names.map((name) => recordsOf(join(files.proteins, name))))).flat();
  expect(proteins).toHaveLength(501);
  for (const [id, sequence] of proteins) {
    const [family, member] = id.match(/\d+/g)!.map((digits) => Number(digits) - 1);
    const made = families.member(family!, member!);
    expect(sequence).toBe(made.sequence);
    expect(memberships.get(id)).toEqual({
      family: made.family,
      fragment: made.fragment,
      identity: Number(made.identity.toFixed(4)),
    });
  }
  const queries = await recordsOf(files.queries);
  expect(queries).toEqual(Array.from({ length: 7 }, (_, i) => [families.query(i).id, families.query(i).sequence]));

  const madeAt = (await stat(files.queries)).mtimeMs;
  expect((await writeProteins(folder, SETTINGS)).made).toBe(false);
  expect((await stat(files.queries)).mtimeMs).toBe(madeAt);
  expect((await writeProteins(folder, { ...SETTINGS, seed: 2 })).made).toBe(true);
});
