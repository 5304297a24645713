import type { Table } from '@lancedb/lancedb';
import { connect } from '../lance/client.ts';
import type { S3Bucket } from './client.ts';

/**
 * Opens a table where it is on S3. LanceDB makes requests of its own; it finds credentials in the same places, but knows the
 * endpoint by other names.
 */
export async function openInPlace({ uri, client }: S3Bucket, bucket: string): Promise<Table> {
  const endpoint = process.env.AWS_ENDPOINT_URL_S3 || process.env.AWS_ENDPOINT_URL;
  const storageOptions: Record<string, string> = {
    region: await client.config.region(),
    ...(endpoint
      ? { endpoint, allow_http: `${endpoint.startsWith('http://')}`, virtual_hosted_style_request: 'false' }
      : {}),
  };
  const connection = await connect(uri, { storageOptions });
  return connection.openTable(bucket);
}
