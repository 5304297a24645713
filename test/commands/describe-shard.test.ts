import { appendFile, copyFile, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { BucketPlan } from '../../workers/src/database/catalog/bucket-plan.ts';
import { runHere } from '../support/command.ts';
import { namesIn } from '../support/database.ts';
import { expectRefusal, expectRefusalHere } from '../support/refusal.ts';
import { lanceflowJson, missingPython, sharedFolder, temporaryFolder } from '../support/run.ts';
import { h5py, type Rows, randomRows, writeShard } from '../support/shards.ts';

async function pack(inputs: readonly string[], output: string, ...options: string[]): Promise<BucketPlan> {
  await runHere(['pack-buckets', '--input', ...inputs, '--output', output, ...options]);
  return JSON.parse(await readFile(output, 'utf8')) as BucketPlan;
}

describe('describe-shard', () => {
  let folder = '';
  let shards: string[] = [];
  let described: string[] = [];
  beforeAll(async () => {
    folder = await sharedFolder();
    const attributes = { model: 'm', model_hash: 'ü "1"\n' };
    shards = [
      await writeShard(join(folder, 'a.h5'), randomRows(1, 300, 8, 'a'), attributes),
      await writeShard(join(folder, 'b.h5'), randomRows(2, 50, 8, 'b'), attributes),
    ];
    described = shards.map((path) => path.replace('.h5', '.description'));
    for (const [i, input] of shards.entries())
      await runHere(['describe-shard', '--input', input, '--output', described[i]!]);
  });

  it('gives the same plan as the shards themselves', async () => {
    const own = await temporaryFolder();
    const output = join(own, 'a.description');
    const report = await lanceflowJson(['describe-shard', '--input', shards[0]!, '--output', output]);
    const line = JSON.parse((await readFile(output, 'latin1')).split('\n', 1)[0]!) as object;
    expect(report).toMatchObject({
      command: 'describe-shard',
      rows: 300,
      contentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(line).toMatchObject({ version: 1, rows: 300, dimension: 8, vectorType: 'float32', name: shards[0] });
    const direct = await pack(shards, join(own, 'direct.json'), '--bucket-size', '120');
    expect(await pack(described, join(own, 'described.json'), '--bucket-size', '120')).toEqual(direct);
    expect(await pack([described[0]!, shards[1]!], join(own, 'mixed.json'), '--bucket-size', '120')).toEqual(direct);
  });

  it('replaces the shard, whose name plans use', async () => {
    const own = await temporaryFolder();
    const shard = await writeShard(join(own, 'gone.h5'), randomRows(3, 20, 4, 'g'));
    const output = join(own, 'gone.description');
    const name = 's3://bucket/it\'s "gone".h5';
    await runHere(['describe-shard', '--input', shard, '--name', name, '--output', output]);
    await rm(shard);
    const plan = await pack([output], join(own, 'plan.json'));
    expect(plan.buckets[0]!.sources).toMatchObject([{ shard: 0, path: name, rows: 20, start: 0, end: 20 }]);
  });

  it('describes several shards like single ones, and names all wrong ones', async () => {
    const own = await temporaryFolder();
    const at = (name: string) => join(own, name);
    const outputs = ['1', '2'].map((name) => at(`${name}.description`));
    const argv = (inputs: readonly string[], names: readonly string[]) => {
      const lists = { input: inputs, name: names, output: inputs.map((_, i) => at(`${i + 1}.description`)) };
      return ['describe-shard', ...Object.entries(lists).flatMap(([option, values]) => [`--${option}`, ...values])];
    };
    const report = await lanceflowJson(argv(shards, shards));
    expect(report).toMatchObject({ rows: 350, shards: 2 });
    for (const [i, output] of outputs.entries()) expect(await readFile(output)).toEqual(await readFile(described[i]!));

    await writeFile(at('text.h5'), 'text');
    const names = ['s3://b/one.h5', 's3://b/two.h5', 's3://b/three.h5', 's3://b/four.h5'];
    const inputs = [at('text.h5'), shards[0]!, at('gone.h5'), shards[1]!];
    await expect(runHere(argv(inputs, names))).rejects.toMatchObject({
      exitCode: 65,
      message: expect.stringMatching(
        /^2 of 4 shards cannot be used:\ns3:\/\/b\/one\.h5: not an HDF5 file.*\ns3:\/\/b\/three\.h5: no such file\.$/,
      ),
    });
    // The other shards were described.
    expect(await namesIn(own, 'text.h5')).toEqual(['1.description', '2.description', '4.description']);
    const many = Array.from({ length: 15 }, () => at('text.h5'));
    await expect(runHere(argv(many, many))).rejects.toMatchObject({
      message: expect.stringMatching(
        /^At least 10 of 15 shards cannot be used:(\n.*text\.h5: not an HDF5 file.*){10}$/,
      ),
    });

    await expectRefusalHere(argv(shards, ['one']), 64, /--name has 1 value, but --input has 2/);
    const twice = ['--input', ...shards, '--output', at('x'), at('x')];
    await expectRefusalHere(['describe-shard', ...twice], 64, /--output names .*x twice/);
  });

  it('writes the description that embed-sequences writes beside its shard', async () => {
    const own = await temporaryFolder();
    const at = (name: string) => join(own, name);
    await writeFile(at('p.fasta'), '>x\nMKVAAG\n>y\nMKTTTA\n');
    await runHere([
      ...['embed-sequences', '--model', 'kmer', '--input', at('p.fasta'), '--output', at('p.h5')],
      ...['--description', at('one.description'), '--name', 'p'],
    ]);
    await runHere(['describe-shard', '--input', at('p.h5'), '--name', 'p', '--output', at('other.description')]);
    expect(await readFile(at('one.description'))).toEqual(await readFile(at('other.description')));
  });

  it.skipIf(missingPython())('keeps ids of any length and text, in many blocks', async () => {
    const own = await temporaryFolder();
    await h5py(own, `shard('ids.h5', np.ones((70000, 1), 'f2'), [f'id\\n{i}' + 'ü' * (i % 50) for i in range(70000)])`);
    const output = join(own, 'ids.description');
    await runHere(['describe-shard', '--input', join(own, 'ids.h5'), '--output', output]);
    const twice: Rows = { ...randomRows(1, 1, 1), ids: [`id\n69999${'ü'.repeat(49)}`] };
    const other = await writeShard(join(own, 'twice.h5'), twice);
    await expectRefusalHere(
      ['pack-buckets', '--input', other, output, '--output', join(own, 'plan.json')],
      65,
      /ids\.h5: row 69999: the id "id\\n69999ü+" is also the id of row 0 of .*twice\.h5/,
    );
    expect(await namesIn(own, 'ids.h5', 'twice.h5', 'ids.description')).toEqual([]);
  });

  describe('refuses', () => {
    const refused = (inputs: string[], match: RegExp) =>
      expectRefusalHere(['pack-buckets', '--input', ...inputs, '--output', join(folder, 'plan.json')], 65, match);

    it('a file that is not a shard, or has no rows', async () => {
      await writeFile(join(folder, 'text.h5'), 'text');
      await writeShard(join(folder, 'empty.h5'), { dimension: 8, ids: [], vectors: new Float32Array(0) });
      const argv = (name: string) => ['describe-shard', '--input', join(folder, name), '--output', join(folder, 'x')];
      await expectRefusal(argv('nowhere.h5'), 65, /nowhere\.h5: no such file/);
      await expectRefusalHere(argv('text.h5'), 65, /text\.h5: not an HDF5 file/);
      await expectRefusalHere(argv('empty.h5'), 65, /empty\.h5: no vectors/);
      expect((await namesIn(folder)).filter((name) => name.endsWith('.tmp') || name === 'x')).toEqual([]);
    });

    it('the description of a shard that changed later', async () => {
      const own = await temporaryFolder();
      const shard = join(own, 'a.h5');
      await copyFile(shards[0]!, shard);
      await runHere(['describe-shard', '--input', shard, '--output', join(own, 'a.description')]);
      await appendFile(shard, 'x');
      await refused([join(own, 'a.description')], /a\.h5: the shard changed after .*a\.description was written/);
    });

    it('ids that are in two descriptions', async () => {
      const own = await temporaryFolder();
      const copy = join(own, 'copy.description');
      await copyFile(described[1]!, copy);
      await refused([...described, copy], /b\.h5: row 0: the id "b0" is also the id of row 0 of .*b\.h5/);
    });

    it('a damaged description, naming it', async () => {
      const own = await temporaryFolder();
      const path = join(own, 'a.description');
      const whole = await readFile(described[0]!);
      const damaged = async (bytes: Uint8Array | string, match: RegExp) => {
        await writeFile(path, bytes);
        await refused([path], match);
      };
      await damaged('{', /a\.description: neither an HDF5 file nor a description/);
      await damaged('{}\n', /neither an HDF5 file nor a description/);
      await damaged(whole.toString('latin1').replace('"version":1', '"version":2'), /version 2 .* newer LanceFlow/);
      await damaged(whole.toString('latin1').replace('"rows":300', '"rows":"x"'), /damaged: "rows" is "x"/);
      await damaged(whole.toString('latin1').replace('"rows":300', '"rows":301'), /damaged: 300 ids of 301/);
      await damaged(whole.subarray(0, -1), /damaged: it ends too early/);
      await writeFile(path, whole);
      await truncate(path, whole.indexOf(10) + 3);
      await refused([path], /damaged: it ends too early/);
      await damaged(
        Buffer.concat([whole.subarray(0, whole.indexOf(10) + 1), Buffer.alloc(8, 255)]),
        /damaged: it ends/,
      );
    });
  });
});
