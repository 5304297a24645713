import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitFiles } from '../../workers/src/embed/split-files.ts';
import { lanceflow, ROOT, run, temporaryFolder } from '../support/run.ts';

type Record = readonly [id: string, sequence: string];

const textOf = (records: readonly Record[]) => records.map(([id, sequence]) => `>${id}\n${sequence}\n`).join('');
const residuesOf = (records: readonly Record[]) => records.reduce((sum, [, sequence]) => sum + sequence.length, 0);

let runs = 0;

/** Splits a text. @returns the parts by name */
async function split(folder: string, content: string | Uint8Array, partResidues: number) {
  const [input, output] = [join(folder, 'in.fasta'), join(folder, `parts${runs++}`)];
  await writeFile(input, content);
  await mkdir(output);
  const result = await splitFiles([input], output, partResidues, {}, () => {});
  const names = (await readdir(output)).sort();
  const parts = await Promise.all(names.map((name) => readFile(join(output, name), 'utf8')));
  return { result, names, parts };
}

function records(lengths: readonly number[]): Record[] {
  return lengths.map((length, i) => [`é${i}`, 'LAGVSERTIDPKQNFYMHWC'.repeat(30).slice(i % 20, (i % 20) + length)]);
}

test('parts hold all records in order, and end with the record that reaches their size', async () => {
  const folder = await temporaryFolder();
  const lengths = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 300 });
  await fc.assert(
    fc.asyncProperty(lengths, fc.integer({ min: 1, max: 5000 }), async (each, partResidues) => {
      const all = records(each);
      const { result, names, parts } = await split(folder, textOf(all), partResidues);
      expect(parts.join('')).toBe(textOf(all));
      expect(result).toMatchObject({ rows: all.length, residues: residuesOf(all), parts: parts.length });
      expect(result.bytes).toBe(Buffer.byteLength(textOf(all)));
      for (const [i, part] of parts.entries()) {
        const sizes = [...part.matchAll(/^[A-Z]+$/gm)].map(([sequence]) => sequence.length);
        const before = sizes.slice(0, -1).reduce((sum, size) => sum + size, 0);
        expect(before).toBeLessThan(partResidues);
        if (i < parts.length - 1) expect(before + sizes.at(-1)!).toBeGreaterThanOrEqual(partResidues);
        const hash = createHash('sha256').update(part).digest('hex').slice(0, 32);
        expect(names[i]).toBe(`part_${`${i + 1}`.padStart(5, '0')}.${hash}.fasta`);
      }
    }),
    { numRuns: 40 },
  );
});

test('records added at the end change only the last part; compression changes none', async () => {
  const folder = await temporaryFolder();
  // Over many batches of the reader.
  const all = records(Array.from({ length: 12_000 }, (_, i) => 1 + ((i * 37) % 400)));
  const first = await split(folder, textOf(all.slice(0, 9000)), 100_000);
  const grown = await split(folder, textOf(all), 100_000);
  expect(first.names.length).toBeGreaterThan(10);
  expect(grown.names.length).toBeGreaterThan(first.names.length);
  expect(grown.names.slice(0, first.names.length - 1)).toEqual(first.names.slice(0, -1));
  expect((await split(folder, gzipSync(textOf(all)), 100_000)).names).toEqual(grown.names);
  const wrapped = textOf(all)
    .toLowerCase()
    .replaceAll(/[a-z]{30}/g, '$&\r\n');
  expect((await split(folder, wrapped, 100_000)).names).toEqual(grown.names);
});

test('wrong input is refused, and nothing is left', async () => {
  const folder = await temporaryFolder();
  await expect(split(folder, '>a\nMK\n>b\nMK\n>a\nV\n', 2)).rejects.toThrow(
    /record 3: the id "a" is also the id of record 1/,
  );
  await expect(split(folder, '>a\nMK\n>b\nM1\n', 2)).rejects.toThrow(/record 2/);
  for (const name of await readdir(folder))
    if (name.startsWith('parts')) expect(await readdir(join(folder, name))).toEqual([]);

  const [input, output] = [join(folder, 'good.fasta'), join(folder, 'out')];
  await writeFile(input, '>a\nMK\n>b\nMK\n');
  const args = ['split-sequences', '--input', input, '--output', output];
  expect((await lanceflow([...args, '--part-residues', '0'])).code).toBe(64);
  expect((await lanceflow([...args, '--part-residues', '2'])).code).toBe(0);
  expect(await readdir(output)).toHaveLength(2);
  const again = await lanceflow(args);
  expect([again.code, again.stderr]).toEqual([65, expect.stringContaining('has parts of an earlier run')]);
});

test('a disk that fills up within the last part is reported, because a system call may write less', async () => {
  const folder = await temporaryFolder();
  const input = join(folder, 'a.fa');
  await writeFile(input, Array.from({ length: 300 }, (_, i) => `>r${i}\n${'MKVL'.repeat(25)}\n`).join(''));
  const args = ['split-sequences', '--input', input, '--output', join(folder, 'parts')];
  // The limit divides a write, as the end of a disk does.
  const limited = ['-c', 'ulimit -f 16; exec "$@"', 'bash', join(ROOT, 'bin/lanceflow'), ...args];
  const { code, stderr } = await run('bash', limited);
  expect([code, stderr]).toEqual([65, expect.stringContaining('larger than its file system or the limit')]);
  expect(await readdir(join(folder, 'parts'))).toEqual([]);
});
