import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../workers/src/base/random.ts';
import { countFasta } from '../../../workers/src/forecast/inputs/count-fasta.ts';
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

  it('refuses a file without a record', async () => {
    await expect(countOf('none.fasta', 'ACDEF\n')).rejects.toThrow('none.fasta: no FASTA record');
  });
});

describe('listing inputs', () => {
  it('takes a file, a folder, a glob and a samplesheet', async () => {
    const inner = join(folder, 'listed');
    await rm(inner, { recursive: true, force: true });
    await mkdir(inner);
    for (const name of ['b.fasta', 'a.FA.gz', 'c.h5', 'notes.txt', '.hidden.fa'])
      await writeFile(join(inner, name), '>x\nAC\n');
    await writeFile(join(inner, 'sheet.csv'), '\uFEFFtaxon,path\r\nx,b.fasta\r\n"y, z","c.h5"\r\n');
    const names = async (value: string) =>
      (await listInputs('input', value)).map(({ path }) => path.slice(inner.length + 1));
    expect(await names(inner)).toEqual(['a.FA.gz', 'b.fasta', 'c.h5']);
    expect(await names(join(inner, '*.fasta'))).toEqual(['b.fasta']);
    expect(await names(join(inner, 'c.h5'))).toEqual(['c.h5']);
    expect(await names(join(inner, 'sheet.csv'))).toEqual(['b.fasta', 'c.h5']);
    await expect(names(join(inner, 'none.fasta'))).rejects.toThrow('none.fasta: no such file or folder.');
    await expect(names(join(inner, 'notes.txt'))).rejects.toThrow('notes.txt: no FASTA file or shard.');
    await expect(names('s3://bucket/x')).rejects.toThrow('--input s3://bucket/x: files on S3 are not listed');
  });
});
