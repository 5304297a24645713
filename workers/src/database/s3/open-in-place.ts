import { setTimeout as sleep } from 'node:timers/promises';
import type { Table } from '@lancedb/lancedb';
import { TransientError } from '../../base/errors.ts';
import { connect } from '../../lance/lancedb.ts';
import { CONNECT_MS, type S3Bucket, stallMs } from '../../s3/client.ts';
import { giveUpMs, MAX_ATTEMPTS } from '../../s3/retry.ts';
import { s3Settings } from '../../s3/settings.ts';
import { noAnswerToLanceDb } from '../database-messages.ts';

/** A request by LanceDB fetches a range of at most some megabytes. It may take as long as this many stalls. */
const REQUEST_STALLS = 3;

/**
 * Opens a table on S3 in place. LanceDB makes its own requests: it finds credentials in the same places, but has other names for the
 * endpoint and the time-outs.
 * @throws TransientError where the service does not answer
 */
export async function openInPlace({ uri, client, endpoint: endpointName }: S3Bucket, bucket: string): Promise<Table> {
  const endpoint = process.env.AWS_ENDPOINT_URL_S3 || process.env.AWS_ENDPOINT_URL;
  const requestMs = REQUEST_STALLS * stallMs();
  const storageOptions: Record<string, string> = {
    region: await client.config.region(),
    connect_timeout: `${CONNECT_MS}ms`,
    timeout: `${requestMs}ms`,
    // In seconds.
    client_retry_timeout: `${Math.max(1, Math.round(giveUpMs() / 1000))}`,
    client_max_retries: `${MAX_ATTEMPTS}`,
    // LanceDB's retries around these would multiply the time until a silent service is given up.
    download_retry_count: '0',
    lance_aimd_max_retries: '0',
    ...('x-amz-request-payer' in s3Settings().all ? { aws_request_payer: 'true' } : {}),
    ...(endpoint
      ? { endpoint, allow_http: `${endpoint.startsWith('http://')}`, virtual_hosted_style_request: 'false' }
      : {}),
  };
  // LanceDB connects several times, each with all its retries.
  const deadline = new AbortController();
  const opening = connect(uri, { storageOptions }).then((connection) => connection.openTable(bucket));
  const timer = sleep(giveUpMs() + requestMs, undefined, { signal: deadline.signal }).then(() => {
    throw new TransientError(noAnswerToLanceDb(uri, endpointName, (giveUpMs() + requestMs) / 1000));
  });
  try {
    return await Promise.race([opening, timer]);
  } finally {
    deadline.abort();
    timer.catch(() => {});
    opening.catch(() => {});
  }
}
