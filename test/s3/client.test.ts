import { once } from 'node:events';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { CompleteMultipartUploadCommand } from '@aws-sdk/client-s3';
import { expect, it, onTestFinished } from 'vitest';
import { closeS3, openS3 } from '../../workers/src/s3/client.ts';
import { useS3 } from '../support/s3.ts';
import { s3Env } from '../support/s3-server.ts';

it('closes the connection on which uploads are completed', async () => {
  const server = createServer((incoming, outgoing) => {
    incoming.resume();
    outgoing.end('<CompleteMultipartUploadResult/>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  useS3(s3Env(`http://127.0.0.1:${port}`));
  const { client } = await openS3('s3://lance/closed');
  const Parts = [{ ETag: 'a', PartNumber: 1 }];
  await client.send(
    new CompleteMultipartUploadCommand({ Bucket: 'lance', Key: 'a', UploadId: 'b', MultipartUpload: { Parts } }),
  );
  const connections = promisify(server.getConnections.bind(server));
  expect(await connections()).toBe(1);
  await closeS3();
  await expect.poll(() => connections()).toBe(0);
});
