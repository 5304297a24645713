import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildDatabase, namesIn } from '../support/database.ts';
import { expectRefusal, expectRefusalHere } from '../support/refusal.ts';
import { sharedFolder, temporaryFolder } from '../support/run.ts';
import { type Rows, randomRows, sliceRows, writeParts, writeShard } from '../support/shards.ts';

describe('pack-buckets refuses', () => {
  const all = randomRows(1, 1000, 8);
  let folder = '';
  let shards: string[] = [];
  const twice: Rows = { ...randomRows(1, 4, 8), ids: ['a', 'b', 'c,"\n', 'a'] };
  let output = '';
  beforeAll(async () => {
    folder = await sharedFolder();
    shards = await writeParts(folder, all, [400, 300, 300], { model: 'm' });
    output = join(folder, 'refused', 'plan.json');
    await writeShard(join(folder, 'twice.h5'), twice);
    await writeShard(join(folder, 'other.h5'), randomRows(2, 4, 9, 'o'));
    await writeShard(join(folder, 'model.h5'), randomRows(2, 4, 8, 'o'), { model: 'another' });
    await writeShard(join(folder, 'empty.h5'), { dimension: 8, ids: [], vectors: new Float32Array(0) });
    await writeShard(join(folder, 'again.h5'), sliceRows(all, 395, 405), { model: 'm' });
    await writeFile(join(folder, 'text.h5'), '>p1\nMKV\n');
    await writeFile(join(folder, 'cut.h5'), (await readFile(shards[0]!)).subarray(0, 9000));
    await copyFile(shards[1]!, join(folder, 'copy.h5'));
    await mkdir(join(folder, 'folder.h5'), { recursive: true });
    await symlink(join(folder, 'nowhere'), join(folder, 'dangling.h5'));
  });
  const refused = async (inputs: string[], code: number, ...matches: RegExp[]) => {
    await expectRefusal(
      ['pack-buckets', '--input', ...inputs.map((name) => join(folder, name)), '--output', output],
      code,
      ...matches,
    );
    expect(existsSync(output)).toBe(false);
    if (existsSync(join(folder, 'refused'))) expect(await namesIn(join(folder, 'refused'))).toEqual([]);
  };

  const refusedHere = (inputs: string[], code: number, ...matches: RegExp[]) =>
    expectRefusalHere(
      ['pack-buckets', '--input', ...inputs.map((name) => join(folder, name)), '--output', output],
      code,
      ...matches,
    );

  it('a missing file', () => refused(['s0.h5', 'nowhere.h5'], 65, /nowhere\.h5: no such file/));
  it('a link to nowhere', () => refusedHere(['dangling.h5'], 65, /dangling\.h5: no such file/));
  it('a folder', () => refusedHere(['folder.h5'], 65, /folder\.h5: not a file/));
  it('a file that is not HDF5', () => refusedHere(['text.h5'], 65, /text\.h5: not an HDF5 file/));
  it('a truncated file', () => refused(['cut.h5'], 65, /cut\.h5: truncated: it has 9000 of \d+ bytes/));
  it('a shard without rows', () => refusedHere(['s0.h5', 'empty.h5'], 65, /empty\.h5: no vectors/));
  it('shards of different dimensions', () =>
    refusedHere(['s0.h5', 'other.h5'], 65, /other\.h5: vectors of 9 components, but .*s0\.h5 has 8/));
  it('shards of different models', () =>
    refusedHere(['s0.h5', 'model.h5'], 65, /model\.h5: made by model another, but .*s0\.h5 by m/));
  it('an id that occurs twice in a shard', () =>
    refused(['twice.h5'], 65, /twice\.h5: row 3: the id "a" is also the id of row 0 of .*twice\.h5.*rename/));
  it('an id that occurs in two shards', () =>
    refusedHere(
      ['s0.h5', 's1.h5', 'again.h5'],
      65,
      /again\.h5: row 0: the id "p395" is also the id of row 395 of .*s0\.h5/,
    ));
  it('a copy of a shard', () =>
    refusedHere(['s0.h5', 's1.h5', 'copy.h5'], 65, /copy\.h5: row 0: .* of row 0 of .*s1\.h5/));
  it('the same shard twice', () => refused(['s0.h5', 's0.h5'], 64, /s0\.h5.* twice/));

  it.each<[string, string[], RegExp]>([
    ['no --input', ['--output', 'x'], /input/],
    ['an empty --input', ['--input', '--output', 'x'], /--input/],
    ['no --output', ['--input', 'x.h5'], /output/],
    ['bucket size 0', ['--input', 'x.h5', '--output', 'x', '--bucket-size', '0'], /--bucket-size must be/],
    ['half a vector', ['--input', 'x.h5', '--output', 'x', '--bucket-size', '1.5'], /--bucket-size must be/],
    ['a bucket size in words', ['--input', 'x.h5', '--output', 'x', '--bucket-size', 'many'], /--bucket-size must be/],
    ['a negative bucket size', ['--input', 'x.h5', '--output', 'x', '--bucket-size=-5'], /--bucket-size must be/],
    [
      'a bucket size twice',
      ['--input', 'x.h5', '--output', 'x', '--bucket-size', '5', '--bucket-size', '6'],
      /--bucket-size/,
    ],
    ['two outputs', ['--input', 'x.h5', '--output', 'x', '--output', 'y'], /--output/],
    ['two databases', ['--input', 'x.h5', '--output', 'x', '--database', 'a', '--database', 'b'], /--database/],
    ['an empty database', ['--input', 'x.h5', '--output', 'x', '--database', ''], /--database/],
    ['a database of another scheme', ['--input', 'x.h5', '--output', 'x', '--database', 'gs://b/p'], /gs:\/\//],
    ['an unknown option', ['--input', 'x.h5', '--output', 'x', '--bucket_sise', '5'], /bucket_sise/],
    ['an argument that is no option', ['x.h5', '--output', 'x', '--input', 'y.h5'], /x\.h5|Unknown/],
  ])('%s', async (_, options, match) => {
    await expectRefusal(['pack-buckets', ...options], 64, match);
  });

  it('a database whose catalog or plans are damaged, naming the file', async () => {
    const own = await temporaryFolder();
    const { database } = await buildDatabase(own, shards.slice(0, 1));
    const argv = ['pack-buckets', '--input', shards[1]!, '--database', database, '--output', join(own, 'out.json')];
    const entry = join(database, '_catalog', 'bucket_00001.json');
    const text = await readFile(entry, 'utf8');
    for (const damaged of ['', text.slice(0, 500), '{}', text.replace('bucket_00001', '../../x')]) {
      await writeFile(entry, damaged);
      await expectRefusal(argv, 65, /_catalog\/bucket_00001\.json: the catalog entry is damaged/);
    }
    await writeFile(entry, text);
    await writeFile(join(database, '_pending', 'bucket_00007.json'), '{"version":1,"bucket":"../../../x"}');
    await expectRefusal(argv, 65, /_pending\/bucket_00007\.json: the ingest record is damaged/);
    expect(existsSync(join(own, 'out.json'))).toBe(false);
  });

  it('a database that is a file', async () => {
    const argv = ['pack-buckets', '--input', shards[0]!, '--output', output];
    await expectRefusal([...argv, '--database', shards[1]!], 65, /s1\.h5/);
  });

  it('an output that cannot be written', async () => {
    const argv = ['pack-buckets', '--input', shards[0]!];
    await expectRefusal([...argv, '--output', folder], 65, /folder/);
    await expectRefusal([...argv, '--output', join(shards[0]!, 'plan.json')], 65, /s0\.h5/);
  });

  it.skipIf(process.getuid?.() === 0)('files without permission', async () => {
    const own = await temporaryFolder();
    const secret = await writeShard(join(own, 'secret.h5'), randomRows(1, 3, 8));
    await chmod(secret, 0);
    await expectRefusal(['pack-buckets', '--input', secret, '--output', output], 65, /[Pp]ermission.*secret\.h5/);
  });
});
