import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { openS3 } from '../../../../workers/src/s3/client.ts';
import { closeWarmBuckets } from '../../../../workers/src/search/in-place/warm-buckets.ts';
import { randomCheckpoint } from '../../../models/support/checkpoint.ts';
import { askByHandlers, callContext, HANDLERS } from '../../../support/ask-handlers.ts';
import { runHere } from '../../../support/command.ts';
import { buildDatabase } from '../../../support/database.ts';
import { ROOT, sharedFolder } from '../../../support/run.ts';
import { missingServer, useS3, withS3Server } from '../../../support/s3.ts';

const DATABASE = 's3://lance/db';
const MODEL = 's3://lance/models/tiny';

describe.skipIf(missingServer('versitygw'))('embed, with a model on S3', () => {
  const held = withS3Server('versitygw');
  let folder = '';
  const fasta = join(ROOT, 'test/pipeline/data/queries.fasta');

  beforeAll(async () => {
    useS3(held.server.env);
    folder = await sharedFolder();
    const model = join(folder, 'model');
    await randomCheckpoint(model, 'esm2');
    const { client, location, key } = await openS3(MODEL);
    for (const name of await readdir(model)) {
      const Body = await readFile(join(model, name));
      await client.send(new PutObjectCommand({ Bucket: location.bucket, Key: key(name), Body }));
    }
    const proteins = join(ROOT, 'test/pipeline/data/proteins_a.fasta');
    const shard = join(folder, 'proteins.h5');
    // Other conventions than the model's own: the functions must follow those of the database.
    const options = ['--model', model, '--pooling', 'mean', '--input', proteins, '--output', shard];
    await runHere(['embed-sequences', ...options]);
    await buildDatabase(folder, [shard], { database: DATABASE, bucketSize: 100 });
  });
  beforeEach(() => {
    useS3(held.server.env);
    process.env.LANCEFLOW_RESULTS = 's3://lance';
    process.env.LANCEFLOW_DATABASE = DATABASE;
    process.env.LANCEFLOW_MODEL = MODEL;
    process.env.LANCEFLOW_MODELS = join(folder, 'models');
    for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockReturnValue(true);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    delete process.env.LANCEFLOW_MODELS;
    await closeWarmBuckets();
  });

  test('answers as ask does with the same model here, and fetches the model once', async () => {
    const sequences = await readFile(fasta, 'utf8');
    const { csv } = await askByHandlers({ sequences, settings: { k: 4 } });
    const output = join(folder, 'here.csv');
    const options = ['--input', fasta, '--model', join(folder, 'model'), '--database', DATABASE, '--k', '4'];
    await runHere(['ask', ...options, '--output', output]);
    const remote = await readFile(join(held.server.data!, 'lance', csv.replace('s3://lance/', '')));
    expect(remote.toString().split('\n').length).toBeGreaterThan(20);
    expect(remote.equals(await readFile(output))).toBe(true);
    await askByHandlers({ sequences, settings: { k: 1 } });
    expect(await readdir(join(folder, 'models'))).toHaveLength(1);
  });

  test("refuses sequences without a model, and another model than the database's", async () => {
    const event = { execution: randomUUID(), request: { sequences: 'MKTAYIAKQR', settings: { k: 1 } } };
    process.env.LANCEFLOW_MODEL = 'none';
    await expect(HANDLERS.embed(event, callContext())).rejects.toMatchObject({
      name: 'WrongQuestionError',
      message: expect.stringMatching(/embeds no sequences/),
    });
    process.env.LANCEFLOW_MODEL = 'kmer';
    const { request } = event;
    await expect(askByHandlers(request)).rejects.toThrow(/the database's own model|components/);
  });
});
