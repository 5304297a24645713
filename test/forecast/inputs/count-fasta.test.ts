import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../workers/src/base/random.ts';
import { countFasta, largestShare } from '../../../workers/src/forecast/inputs/count-fasta.ts';
import { listInputs } from '../../../workers/src/forecast/inputs/list-inputs.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lanceflow-count-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** FASTA of proteins of 30 to 800 residues in lines of 60. */
function proteins(count: number) {
  const random = seededRandom(5);
  let residues = 0;
  const records = Array.from({ length: count }, (_, i) => {
    const length = 30 + Math.floor(random() * 770);
    residues += length;
    const sequence = Array.from({ length }, () => 'ACDEFGHIKLMNPQRSTVWY'[Math.floor(random() * 20)]).join('');
    return `>protein_${String(i).padStart(6, '0')} some description\n${sequence.replace(/.{60}/g, '$&\n')}\n`;
  });
  return { text: records.join(''), residues };
}

async function countOf(name: string, content: string | Buffer, partResidues = 50e6) {
  const path = join(folder, name);
  await writeFile(path, content);
  const { size } = await stat(path);
  return countFasta([{ path, kind: 'fasta', bytes: size }], partResidues);
}

describe('counting FASTA', () => {
  it('is exact for a small file', async () => {
    const { text, residues } = proteins(1000);
    expect(await countOf('small.fasta', text)).toMatchObject({
      ...{ files: 1, tasks: 1, largeFiles: 0, sequences: 1000, residues, idBytes: 14, descriptionBytes: 16 },
    });
  });

  it('reads samples of large and compressed files, and errs by little', async () => {
    const { text, residues } = proteins(20_000);
    for (const [name, content] of [
      ['large.fasta', text],
      ['large.fa.gz', gzipSync(text)],
      ['large.faa.zst', zstdCompressSync(text)],
    ] as const) {
      const counted = await countOf(name, content, 2e6);
      expect(counted.sequences / 20_000, name).toBeCloseTo(1, 1);
      expect(counted.residues / residues, name).toBeCloseTo(1, 1);
      expect(counted.largeFiles).toBe(1);
      expect(counted.tasks).toBe(Math.ceil(counted.residues / 2e6));
    }
  });

  it('refuses a file without a record, and one that cannot be decompressed', async () => {
    await expect(countOf('none.fasta', 'ACDEF\n')).rejects.toThrow('none.fasta: no FASTA record');
    for (const name of ['plain.fa.gz', 'plain.fa.zst'])
      await expect(countOf(name, '>a\nMKV\n')).rejects.toThrow(`${name}: it cannot be decompressed`);
  });

  it('counts records without residues', async () => {
    expect(await countOf('empty.fasta', '>a\n>b\n')).toMatchObject({ sequences: 2, residues: 0, largestShare: 0 });
  });

  it('stops decompressing where a little makes much', async () => {
    const line = `${'A'.repeat(2 ** 20)}\n`;
    const { residues } = await countOf('long.fa.gz', gzipSync(`>a\n${line.repeat(160)}`, { level: 1 }));
    expect(residues / (160 * 2 ** 20)).toBeGreaterThan(0.5);
    expect(residues / (160 * 2 ** 20)).toBeLessThan(2);
  });

  it('lists more files than a call takes arguments', () => {
    expect(largestShare(new Array(300_000).fill(2), 600_000)).toBe(2 / 600_000);
  });
});

describe('listing inputs', () => {
  const objects = ['s3://b/x/a.faa.gz', 's3://b/x/b.h5', 's3://b/x/.hidden.fa', 's3://b/x/notes.txt'];
  const listS3 = async (uri: string) =>
    objects.flatMap((path, i) => (path.startsWith(uri) ? [{ path, bytes: 10 * (i + 1) }] : []));

  it('takes a file, a folder, a glob and a samplesheet', async () => {
    const inner = join(folder, 'listed');
    await rm(inner, { recursive: true, force: true });
    await mkdir(inner);
    for (const name of ['b.fasta', 'a.FA.gz', 'c.h5', 'notes.txt', '.hidden.fa'])
      await writeFile(join(inner, name), '>x\nAC\n');
    await writeFile(join(inner, 'sheet.csv'), '\uFEFFtaxon,path\r\nx,b.fasta\r\n"y, z","c.h5"\r\n');
    const names = async (value: string) =>
      (await listInputs('input', value, listS3)).map(({ path }) => path.slice(inner.length + 1));
    expect(await names(inner)).toEqual(['a.FA.gz', 'b.fasta', 'c.h5']);
    expect(await names(join(inner, '*.fasta'))).toEqual(['b.fasta']);
    expect(await names(join(inner, 'c.h5'))).toEqual(['c.h5']);
    expect(await names(join(inner, 'sheet.csv'))).toEqual(['b.fasta', 'c.h5']);
    await writeFile(join(inner, 'sheet.csv'), 'taxon,path\n,b.fasta\n,,\n');
    expect(await names(join(inner, 'sheet.csv'))).toEqual(['b.fasta']);
    await expect(names(join(inner, 'none.fasta'))).rejects.toThrow('none.fasta: no such file or folder.');
    await expect(names(join(inner, 'notes.txt'))).rejects.toThrow('notes.txt: no FASTA file or shard.');
    // On S3.
    expect((await listInputs('input', 's3://b/x', listS3)).map(({ path }) => path)).toEqual([
      's3://b/x/a.faa.gz',
      's3://b/x/b.h5',
    ]);
    await writeFile(join(inner, 'sheet.csv'), 'path\nb.fasta\ns3://b/x/b.h5\n');
    const mixed = await listInputs('input', join(inner, 'sheet.csv'), listS3);
    expect(mixed.map(({ kind, bytes }) => [kind, bytes])).toEqual([
      ['fasta', 6],
      ['shard', 20],
    ]);
    await expect(names('s3://b/none')).rejects.toThrow('--input s3://b/none: no FASTA file or shard.');
    await expect(names('s3://b/sheet.csv')).rejects.toThrow('s3://b/sheet.csv: a plan reads no samplesheet from S3.');
  });
});
