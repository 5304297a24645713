import { readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { columnTexts } from '../../workers/src/base/bytes/utf8-column.ts';
import { loadKmer } from '../../workers/src/embed/kmer/kmer-embedder.ts';
import { openShard } from '../../workers/src/shard/shard-reader.ts';
import { lanceflow, lanceflowJson, missingPython, python, ROOT, run, temporaryFolder } from '../support/run.ts';

async function fileOf(folder: string, name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

/** Runs the command on inputs that it must refuse without leaving a file. */
async function refused(files: Record<string, string | Uint8Array>, extra: string[] = []) {
  const folder = await temporaryFolder();
  const paths = await Promise.all(Object.entries(files).map(([name, content]) => fileOf(folder, name, content)));
  const args = ['embed-sequences', '--model', 'kmer', '--output', join(folder, 'o.h5'), ...extra];
  const finished = await lanceflow(paths.length > 0 ? [...args, '--input', ...paths] : args);
  expect(finished.stdout).toBe('');
  expect((await readdir(folder)).sort()).toEqual(Object.keys(files).sort());
  return { code: finished.code, message: finished.stderr.replaceAll(`${folder}/`, '') };
}

describe('embed-sequences', () => {
  test('writes a shard of all inputs in order, with the attributes of the model', async () => {
    const folder = await temporaryFolder();
    // More than one block of records, with ids that other formats cannot represent.
    const records = Array.from({ length: 5000 }, (_, i): [string, string] => [
      i === 7 ? `it's"q",;é$(x)${'y'.repeat(10_000)}` : `r${i}`,
      `M${'KTAYIAKQRW'.slice(i % 10)}${'ACDEFGHIKL'.repeat(i % 5)}`,
    ]);
    const text = records.map(([id, sequence]) => `>${id} d\r\n${sequence.toLowerCase()}*\r\n`);
    const plain = await fileOf(folder, 'a.fa', text.slice(0, 4500).join(''));
    const zipped = await fileOf(folder, 'b.fa.gz', gzipSync(text.slice(4500).join('')));
    const output = join(folder, 'sub', 'o.h5');
    const report = await lanceflowJson([
      'embed-sequences',
      '--model',
      'kmer',
      '--input',
      plain,
      zipped,
      '--output',
      output,
    ]);

    const shard = await openShard(output);
    expect(report).toMatchObject({
      rows: 5000,
      bytes: shard.fileBytes,
      residues: records.reduce((sum, [, sequence]) => sum + sequence.length, 0),
      model: 'kmer',
    });
    expect(shard).toMatchObject({ rows: 5000, dimension: 960, vectorType: 'float32' });
    expect(shard.attributes).toEqual(loadKmer().attributes);
    const ids = [...columnTexts(await shard.readIds(0, 3000)), ...columnTexts(await shard.readIds(3000, 2000))];
    expect(ids).toEqual(records.map(([id]) => id));
    const { vectors } = await shard.readRows(0, 5000, new ArrayBuffer(5000 * 960 * 4));
    const expected = await loadKmer().embed(records.map(([, sequence]) => sequence));
    expect(Buffer.from(vectors).equals(Buffer.from(expected.buffer))).toBe(true);
    shard.close();
    expect(await readdir(join(folder, 'sub'))).toEqual(['o.h5']);
  });

  test('reads standard input, compressed or not', async () => {
    const output = join(await temporaryFolder(), 'o.h5');
    const args = [
      join(ROOT, 'bin/lanceflow'),
      'embed-sequences',
      '--model',
      'kmer',
      '--input',
      '-',
      '--output',
      output,
    ];
    const piped = async (text: string) => run('bash', ['-c', `${text} | "$@"`, 'bash', ...args]);
    for (const pack of [
      'cat',
      'gzip',
      `"${process.execPath}" -e "process.stdin.pipe(zlib.createZstdCompress()).pipe(process.stdout)"`,
    ]) {
      expect(await piped(`printf '>a\nMKT\n>b\nAC\n' | ${pack}`)).toMatchObject({ code: 0 });
      const shard = await openShard(output);
      expect(columnTexts(await shard.readIds(0, shard.rows))).toEqual(['a', 'b']);
      shard.close();
    }
    const twice = await piped(`printf '>a\nMKT\n>a\nAC\n'`);
    expect([twice.code, twice.stderr]).toEqual([65, expect.stringContaining('record 2: its id is also the id of')]);
    const bad = await piped(`printf '>a\nMK1\n'`);
    expect([bad.code, bad.stderr]).toEqual([65, expect.stringContaining('standard input: record 1')]);
  });

  test('reads a pipe', async () => {
    const folder = await temporaryFolder();
    const pipe = join(folder, 'pipe');
    expect((await run('mkfifo', [pipe])).code).toBe(0);
    const args = ['embed-sequences', '--model', 'kmer', '--input', pipe, '--output', join(folder, 'o.h5')];
    const [report] = await Promise.all([lanceflowJson(args), writeFile(pipe, '>a\nMKT\n>b\nAC\n')]);
    expect(report).toMatchObject({ rows: 2, residues: 5 });
    const [finished] = await Promise.all([lanceflow(args), writeFile(pipe, '>a\nMKT\n>a\nAC\n')]);
    expect(finished.stderr).toContain(`${pipe}: record 2: its id is also the id of record 1`);
    expect(finished.code).toBe(65);
  });

  test.skipIf(missingPython())('writes a shard that h5py reads', async () => {
    const folder = await temporaryFolder();
    const input = await fileOf(folder, 'a.fa', '>a\nMKTAYIAKQR\n>bé\nGSHMASMTGG\n');
    const output = join(folder, 'o.h5');
    await lanceflowJson(['embed-sequences', '--model', 'kmer', '--input', input, '--output', output]);
    const code = `
import h5py, json, sys, numpy
with h5py.File(sys.argv[1]) as f:
    e = f['embedding']
    print(json.dumps({'shape': e.shape, 'dtype': str(e.dtype), 'ids': [i.decode() for i in f['id'][:]],
        'norms': [float(x) for x in numpy.linalg.norm(e[:], axis=1).round(4)], 'model': e.attrs['model']}))`;
    expect(await python(code, output)).toEqual({
      shape: [2, 960],
      dtype: 'float32',
      ids: ['a', 'bé'],
      norms: [1, 1],
      model: 'kmer',
    });
  });
});

describe('embed-sequences refuses', () => {
  test('malformed FASTA with 65, naming the record, and writes nothing', async () => {
    const good = '>a\nMKT\n';
    const cases: Array<[Record<string, string | Uint8Array>, string]> = [
      [{ 'x.fa': '' }, 'x.fa: no sequences: the file is empty.'],
      [{ 'x.fa': 'MKT\n' }, 'x.fa: line 1 comes before the first header'],
      [{ 'a.fa': good, 'x.fa': '>b\n\n>c\nM\n' }, 'x.fa: record 1 ("b"): its sequence is empty'],
      [{ 'a.fa': good, 'x.fa': '>b\nMK1T\n' }, 'x.fa: record 1 ("b"): "1" at position 3'],
      [{ 'x.fa': '>b\nM\n>\nM\n' }, 'x.fa: record 2 (line 3) has a header without an id'],
      [{ 'x.fa': '>b\nM\n>c\nM\n>b d\nK\n' }, 'x.fa: record 3: the id "b" is also the id of record 1 of x.fa.'],
      [{ 'a.fa': good, 'x.fa': '>b\nM\n>a\nK\n' }, 'x.fa: record 2: the id "a" is also the id of record 1 of a.fa.'],
      [{ 'x.gz': gzipSync('>b\nMKT\n').subarray(0, 22) }, 'x.gz: its gzip compression is truncated'],
      [{ 'x.h5': Buffer.from('\x89HDF\r\n\x1a\n', 'latin1') }, 'x.h5 is HDF5, not FASTA'],
    ];
    for (const [files, message] of cases) {
      const finished = await refused(files);
      expect(finished.message).toContain(`lanceflow embed-sequences: ${message}`);
      expect(finished.code).toBe(65);
    }
  });

  test('missing files: 65', async () => {
    const { code, message } = await refused({ 'a.fa': '>a\nM' }, ['--input', '/no/such/file.fa']);
    expect(message).toContain('/no/such/file.fa: no such file.');
    expect(code).toBe(65);
  });

  test('wrong usage: 64', async () => {
    expect(await refused({})).toMatchObject({ code: 64 });
    expect(await refused({ 'a.fa': '>a\nM' }, ['--threads', 'x'])).toMatchObject({
      code: 64,
      message: expect.stringContaining('--threads must be a whole number from 1'),
    });
    expect(await refused({ 'a.fa': '>a\nM' }, ['--pooling', 'cls'])).toMatchObject({
      code: 64,
      message: expect.stringContaining('--model kmer has no model options'),
    });
  });

  test('the same file twice, or as output', async () => {
    const folder = await temporaryFolder();
    const path = await fileOf(folder, 'a.fa', '>a\nM\n');
    const link = join(folder, 'b.fa');
    await symlink(path, link);
    const base = ['embed-sequences', '--model', 'kmer', '--input', path];
    const twice = await lanceflow([...base, link, '--output', join(folder, 'o.h5')]);
    expect([twice.code, twice.stderr]).toEqual([64, expect.stringContaining('names the same file twice')]);
    const over = await lanceflow([...base, '--output', link]);
    expect([over.code, over.stderr]).toEqual([64, expect.stringContaining('is also --output')]);
  });

  test('a missing model, and no model', async () => {
    const folder = await temporaryFolder();
    const path = await fileOf(folder, 'a.fa', '>a\nM\n');
    const args = ['embed-sequences', '--input', path, '--output', join(folder, 'o.h5')];
    const unknown = await lanceflow([...args, '--model', '/no/such/model']);
    expect([unknown.code, unknown.stderr]).toEqual([
      65,
      expect.stringContaining('/no/such/model: no such model folder'),
    ]);
    const none = await lanceflow(args);
    expect([none.code, none.stderr]).toEqual([64, expect.stringContaining('model')]);
  });
});
