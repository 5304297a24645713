import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readFasta } from '../../../workers/src/fasta/fasta.ts';
import { extraFrom } from '../../../workers/src/hits/extra-column.ts';
import { createTargetsFasta } from '../../../workers/src/hits/output/targets-fasta.ts';
import { packedHits } from '../../support/hits.ts';
import { temporaryFolder } from '../../support/run.ts';

async function write(
  targets: readonly (readonly [id: string, description: string | null, sequence: string | null])[],
  compression: 'none' | 'gzip' = 'none',
) {
  const folder = await temporaryFolder();
  const path = join(folder, 'near.fasta');
  const fasta = createTargetsFasta(path, compression, folder);
  const rows = targets.map(([target]) => ({ query: 'q', target, distance: 0, bucket: 'b' }));
  fasta.append(
    { ...packedHits(rows), ranks: Int32Array.from(rows, (_, i) => i + 1) },
    {
      description: extraFrom(
        'utf8',
        targets.map(([, description]) => description),
      ),
      sequence: extraFrom(
        'utf8',
        targets.map(([, , sequence]) => sequence),
      ),
    },
  );
  const report = await fasta.finish();
  return { path, bytes: await readFile(path), report };
}

describe('createTargetsFasta', () => {
  it('writes lines of 60 residues, and each id once', async () => {
    const { bytes, report } = await write([
      ['b', 'second', 'M'.repeat(60)],
      ['a', null, 'K'.repeat(61)],
      ['b', 'of another bucket', 'W'],
      ['c', '', `${'A'.repeat(120)}`],
    ]);
    const [k, m, a] = ['K', 'M', 'A'].map((residue) => residue.repeat(60));
    expect(bytes.toString()).toBe(`>a\n${k}\nK\n>b second\n${m}\n>c\n${a}\n${a}\n`);
    expect(report).toEqual({ targets: 3, withoutSequence: 0, ambiguous: 1, firstAmbiguous: 'b', bytes: bytes.length });
  });

  it('writes a header on one line, whatever the description, and omits targets without a sequence', async () => {
    const { path, report } = await write([
      ['x', 'one\r\n>fake\nMMM\tend\u0001', 'MKV'],
      ['y', '<script>', null],
      ['z', 'empty', ''],
    ]);
    expect(report).toMatchObject({ targets: 1, withoutSequence: 2 });
    const text = await readFile(path, 'utf8');
    expect(text).toBe('>x one  >fake MMM end \nMKV\n');
    for await (const { ids } of readFasta(path, { maxResidues: 1000 } as never)) expect(ids.offsets).toHaveLength(2);
  });

  it('writes the sequence of the first row that has one', async () => {
    const { bytes, report } = await write([
      ['a', 'of a bucket without sequences', null],
      ['a', 'second', 'MKV'],
      ['a', 'third', 'W'],
    ]);
    expect(bytes.toString()).toBe('>a second\nMKV\n');
    expect(report).toMatchObject({ targets: 1, withoutSequence: 0, ambiguous: 1, firstAmbiguous: 'a' });
  });

  it('keeps a sequence in its record, whatever its characters', async () => {
    const { bytes, report } = await write([
      ['a', null, `${'M'.repeat(60)}>fake\r\n>W K`],
      ['b', null, ' \n'],
    ]);
    expect(bytes.toString()).toBe(`>a\n${'M'.repeat(60)}\nfakeWK\n`);
    expect(report).toMatchObject({ targets: 1, withoutSequence: 1 });
  });

  it('compresses', async () => {
    const { bytes } = await write([['a', null, 'MKV']], 'gzip');
    expect(gunzipSync(bytes).toString()).toBe('>a\nMKV\n');
  });
});
