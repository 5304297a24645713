import { PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { listS3Inputs } from '../../workers/src/cloud/list-s3-inputs.ts';
import { openS3 } from '../../workers/src/s3/client.ts';
import { missingServer, useS3, withS3Server } from '../support/s3.ts';

describe.skipIf(missingServer('moto'))('inputs on S3', () => {
  const held = withS3Server('moto');

  test('are a file, or those directly in a folder, with their sizes', async () => {
    useS3(held.server.env);
    const { client, location } = await openS3('s3://lance');
    for (const [Key, Body] of [
      ['in/a.fasta', '>a\nMK\n'],
      ['in/a.fasta.gz', 'packed'],
      ['in/deeper/b.h5', 'shard'],
    ])
      await client.send(new PutObjectCommand({ Bucket: location.bucket, Key, Body }));
    const packed = { path: 's3://lance/in/a.fasta.gz', bytes: 6 };
    expect(await listS3Inputs('s3://lance/in')).toEqual([{ path: 's3://lance/in/a.fasta', bytes: 6 }, packed]);
    expect(await listS3Inputs('s3://lance/in/')).toHaveLength(2);
    expect(await listS3Inputs('s3://lance/in/a.fasta.gz')).toEqual([packed]);
    expect(await listS3Inputs('s3://lance/in/a.fa')).toEqual([]);
    expect(await listS3Inputs('s3://lance')).toEqual([]);
    await expect(listS3Inputs('s3://lance/*.fasta')).rejects.toThrow('its path contains the character *');
  });
});
