import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readListedFiles } from '../../../workers/src/forecast/inputs/listed-files.ts';
import {
  type PlanArguments,
  resolveInputs,
  resolveQueries,
} from '../../../workers/src/forecast/inputs/resolve-inputs.ts';
import { temporaryFolder } from '../../support/run.ts';

const KNOWN = { dimension: 100, listS3: async () => [] };

async function listed(files: readonly object[]): Promise<PlanArguments> {
  const path = join(await temporaryFolder(), 'list.json');
  await writeFile(path, JSON.stringify(files));
  return { inputFiles: path, queryFiles: path, partResidues: 1e6, k: 10 } as PlanArguments;
}

describe('readListedFiles', () => {
  it('gives files of unknown size the mean of the others', async () => {
    const { inputFiles } = await listed([
      { path: '/no/a.fa', kind: 'fasta', bytes: 10 },
      { path: '/no/b.fa', kind: 'fasta', bytes: 30 },
      { path: 's3://b/c.fa', kind: 'fasta', bytes: null },
    ]);
    const { files, areReadable } = await readListedFiles(inputFiles!);
    expect(files.map(({ bytes }) => bytes)).toEqual([10, 30, 20]);
    expect(areReadable).toBe(false);
  });

  it.each([['{}'], ['['], ['[{"path": "/a", "kind": "text", "bytes": 1}]'], ['[{"path": "/a", "kind": "fasta"}]']])(
    'refuses %s',
    async (text) => {
      const path = join(await temporaryFolder(), 'list.json');
      await writeFile(path, text);
      await expect(readListedFiles(path)).rejects.toThrow('list.json: not a list of files (');
    },
  );
});

describe('files that cannot be read', () => {
  it('are planned from their sizes, with a note', async () => {
    const found = await resolveInputs(
      await listed([
        { path: 's3://b/a.fasta.gz', kind: 'fasta', bytes: 1e8 },
        { path: 's3://b/a.h5', kind: 'shard', bytes: 422_000 },
      ]),
      KNOWN,
    );
    expect(found!.notes).toEqual([expect.stringContaining('of which nothing was read')]);
    expect(found!.vectors).toMatchObject({ rows: 1000, dimension: 100, shards: 1 });
    const { residues, sequences, tasks } = found!.fasta!;
    // A compressed file has more residues than bytes, and a part has at most a million.
    expect(residues).toBeGreaterThan(1e8);
    expect(residues / sequences).toBeCloseTo(350, 1);
    expect(tasks).toBe(Math.ceil(residues / 1e6));
  });

  it('are counted with the queries that are ids', async () => {
    const args = await listed([{ path: '/no/q.fa', kind: 'fasta', bytes: 451 }]);
    expect((await resolveQueries({ ...args, queryCount: 5 }, KNOWN))!.count).toBe(6);
    // Vectors of queries have the dimension of what is searched.
    const shard = await listed([{ path: 's3://b/q.h5', kind: 'shard', bytes: 422_000 }]);
    expect((await resolveQueries({ ...shard, queryCount: undefined }, KNOWN))!.count).toBe(1000);
    expect(await resolveQueries({ ...(await listed([])), queryCount: undefined }, KNOWN)).toBeUndefined();
    expect((await resolveQueries({ ...(await listed([])), queryCount: 7 }, KNOWN))!.count).toBe(7);
  });
});

it('files that can be read are counted', async () => {
  const fasta = join(await temporaryFolder(), 'a.fasta');
  await writeFile(fasta, '>a\nMKV\n>b\nMKVL\n');
  const found = await resolveInputs(await listed([{ path: fasta, kind: 'fasta', bytes: 15 }]), KNOWN);
  expect(found).toMatchObject({ fasta: { sequences: 2, residues: 7 }, notes: [] });
  expect(await resolveInputs(await listed([]), KNOWN)).toBeUndefined();
});
