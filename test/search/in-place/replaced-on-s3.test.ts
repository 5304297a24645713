// @module-tag slow

import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toUserError, UserError } from '../../../workers/src/base/errors.ts';
import { closeWarmBuckets } from '../../../workers/src/search/in-place/warm-buckets.ts';
import { runHere } from '../../support/command.ts';
import { buildDatabase } from '../../support/database.ts';
import type { Fault, Seen } from '../../support/fault-proxy.ts';
import { sharedFolder } from '../../support/run.ts';
import { missingServer, useS3, withFaultProxy } from '../../support/s3.ts';
import { randomRows, sliceRows, writeShard } from '../../support/shards.ts';

const skip = missingServer('moto');
const DATABASE = 's3://lance/replaced';
const VERSIONS = ['old', 'new'] as const;

describe.skipIf(skip)('a table on S3 that is built again while it is asked', () => {
  const held = withFaultProxy('moto');
  let folder = '';
  /** Objects of each version, by their keys: the catalog entry last. */
  const objects: Record<string, Map<string, Buffer>> = {};
  const at = (name: string) => join(folder, name);

  beforeEach(() => useS3({ ...held.proxy.env, LANCEFLOW_S3_GIVE_UP_MS: '2000' }));
  afterEach(closeWarmBuckets);
  beforeAll(async () => {
    folder = await sharedFolder();
    // The same ids with other vectors.
    for (const [seed, name] of VERSIONS.entries()) {
      await mkdir(at(name));
      const rows = randomRows(seed, 6000, 16);
      const { database } = await buildDatabase(at(name), [await writeShard(at(`${name}/a.h5`), rows)]);
      if (name === 'old') await writeShard(at('q.h5'), sliceRows(rows, 590, 591));
      const files = (await readdir(database, { recursive: true, withFileTypes: true })).filter((entry) =>
        entry.isFile(),
      );
      const paths = files.map(({ parentPath, name: file }) => join(parentPath, file).slice(database.length + 1));
      objects[name] = new Map();
      for (const path of paths.sort((a, b) => Number(a.startsWith('_catalog')) - Number(b.startsWith('_catalog'))))
        objects[name].set(path, await readFile(join(database, path)));
    }
  });

  /** Puts a version in place of what is there, behind the proxy: the entry goes first and comes last. */
  async function put(name: string): Promise<void> {
    const { endpoint } = held.server;
    const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing' };
    const client = new S3Client({ endpoint, forcePathStyle: true, region: 'us-east-1', credentials });
    const at = (key: string) => ({ Bucket: 'lance', Key: `replaced/${key}` });
    const known = [...objects.old!.keys(), ...objects.new!.keys()];
    for (const key of known.filter((path) => path.startsWith('_catalog')).concat(known))
      await client.send(new DeleteObjectCommand(at(key)));
    for (const [key, Body] of objects[name]!) await client.send(new PutObjectCommand({ ...at(key), Body }));
    client.destroy();
  }

  it.each([
    ['few candidates', ['--k', '10', '--nprobes', '3']],
    ['many candidates', ['--k', '600', '--nprobes', '5']],
  ])('answers from one version, or fails and names the bucket: %s', async (_, settings) => {
    const ask = async (rule: (seen: Seen) => Fault | undefined = () => undefined) => {
      await closeWarmBuckets();
      await put('old');
      held.proxy.seen.length = 0;
      held.proxy.rule = rule;
      const output = at('near.csv');
      const { buckets } = await runHere([
        'ask',
        '--input',
        at('q.h5'),
        '--database',
        DATABASE,
        ...settings,
        '--output',
        output,
      ]);
      const [{ fingerprint }] = buckets as [{ fingerprint: string }];
      return { fingerprint, csv: await readFile(output, 'utf8') };
    };
    const old = await ask();
    const urls = [...new Set(held.proxy.seen.map(({ url }) => url.split('?')[0]!))];
    expect(urls.length).toBeGreaterThan(5);
    const answers = [old];
    let failures = 0;
    for (const wanted of urls) {
      let replacing: Promise<void> | undefined;
      const outcome = await ask(({ url }) => {
        if (url.split('?')[0] !== wanted) return undefined;
        replacing ??= put('new');
        return { after: replacing };
      }).catch(toUserError);
      if (outcome instanceof Error) {
        failures++;
        expect(outcome).toBeInstanceOf(UserError);
        expect(outcome.message).toMatch(/bucket_00001|no buckets/);
      } else answers.push(outcome as typeof old);
    }
    await closeWarmBuckets();
    await put('new');
    held.proxy.rule = () => undefined;
    const output = at('new.csv');
    await runHere(['ask', '--input', at('q.h5'), '--database', DATABASE, ...settings, '--output', output]);
    const whole = new Set([old.csv, await readFile(output, 'utf8')]);
    expect(answers.filter(({ csv }) => !whole.has(csv))).toEqual([]);
    expect(failures).toBeGreaterThan(0);
  });
});
