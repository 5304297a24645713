import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { fetchModel } from '../../workers/src/embed/fetch-model.ts';
import { readModelSize } from '../../workers/src/embed/transformer/model-size.ts';
import { openS3 } from '../../workers/src/s3/client.ts';
import { randomCheckpoint } from '../models/support/checkpoint.ts';
import { lanceflowJson, temporaryFolder } from '../support/run.ts';
import { missingServer, useS3, withS3Server } from '../support/s3.ts';
import { readShard } from '../support/shards.ts';

describe.skipIf(missingServer('moto'))('a model on S3', () => {
  const held = withS3Server('moto');

  async function put(uri: string, name: string, body: Uint8Array | string) {
    const { client, location, key } = await openS3(uri);
    await client.send(new PutObjectCommand({ Bucket: location.bucket, Key: key(name), Body: body }));
  }

  /** A checkpoint here and on S3. */
  async function model(uri: string) {
    useS3(held.server.env);
    const folder = await temporaryFolder();
    await randomCheckpoint(join(folder, 'model'), 'esm2', {}, { files: 2 });
    for (const name of await readdir(join(folder, 'model')))
      await put(uri, name, await readFile(join(folder, 'model', name)));
    await put(uri, 'pytorch_model.bin', 'not needed');
    await put(uri, 'older/config.json', '{}');
    return { folder, root: join(folder, 'models') };
  }

  test('is fetched once, completely, and again if it has changed', async () => {
    const uri = 's3://lance/models/one';
    const { folder, root } = await model(uri);
    const fetched = await fetchModel(uri, root);
    const names = (await readdir(join(folder, 'model'))).sort();
    expect((await readdir(fetched)).sort()).toEqual(names);
    for (const name of names)
      expect((await readFile(join(fetched, name))).equals(await readFile(join(folder, 'model', name)))).toBe(true);

    const old = new Date(2000, 1, 1);
    for (const name of names) await utimes(join(fetched, name), old, old);
    expect(await fetchModel(`${uri}/`, root)).toBe(fetched);
    for (const name of names) expect((await stat(join(fetched, name))).mtimeMs).toBe(old.getTime());

    // A file that a killed process left incomplete is fetched again.
    await writeFile(join(fetched, names[0]!), 'half');
    await fetchModel(uri, root);
    expect(await readFile(join(fetched, names[0]!))).toEqual(await readFile(join(folder, 'model', names[0]!)));

    await put(uri, 'vocab.txt', 'another');
    const changed = await fetchModel(uri, root);
    expect(changed).not.toBe(fetched);
    expect(await readFile(join(changed, 'vocab.txt'), 'utf8')).toBe('another');
  });

  test('embeds like the same local folder, with the same identity', async () => {
    const uri = 's3://lance/models/two';
    const { folder, root } = await model(uri);
    const input = join(folder, 'in.fasta');
    await writeFile(input, '>a\nMKTAYIAKQR\n>b\nGSHM\n');
    const env = { ...process.env, ...held.server.env, LANCEFLOW_MODELS: root };
    const embed = (from: string, name: string) =>
      lanceflowJson(['embed-sequences', '--model', from, '--input', input, '--output', join(folder, name)], { env });
    const [there, here] = [await embed(uri, 'there.h5'), await embed(join(folder, 'model'), 'here.h5')];
    expect([there.model, there.model_hash]).toEqual([here.model, here.model_hash]);
    expect(await readShard(join(folder, 'there.h5'))).toEqual(await readShard(join(folder, 'here.h5')));
  });

  test('has the size of the same local folder, of which the weights are not fetched', async () => {
    const uri = 's3://lance/models/sized';
    const { folder } = await model(uri);
    const [there, here] = [await readModelSize(uri), await readModelSize(join(folder, 'model'))];
    expect([there.dimension, there.maxResidues, there.flopsOf(300)]).toEqual([
      here.dimension,
      here.maxResidues,
      here.flopsOf(300),
    ]);
    await expect(readModelSize('s3://lance/models/none')).rejects.toThrow('s3://lance/models/none: no config.json');
  });

  test('that does not exist, or has no config.json, is refused with its address', async () => {
    useS3(held.server.env);
    const root = await temporaryFolder();
    await expect(fetchModel('s3://lance/models/none', root)).rejects.toThrow('s3://lance/models/none: no config.json');
    const uri = 's3://lance/models/three';
    await model(uri);
    const { client, location, key } = await openS3(uri);
    await client.send(new DeleteObjectCommand({ Bucket: location.bucket, Key: key('config.json') }));
    await expect(fetchModel(uri, root)).rejects.toThrow(`${uri}: no config.json`);
    expect(await readdir(root)).toEqual([]);
  });
});
