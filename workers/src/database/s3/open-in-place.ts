import { setTimeout as sleep } from 'node:timers/promises';
import type { Table } from '@lancedb/lancedb';
import { TransientError } from '../../base/errors.ts';
import { connect } from '../../lance/lancedb.ts';
import { CONNECT_MS, type S3Bucket, stallMs } from '../../s3/client.ts';
import { giveUpMs, MAX_ATTEMPTS } from '../../s3/retry.ts';
import { s3Settings } from '../../s3/settings.ts';

/** A request of LanceDB's is one range, of megabytes at most; how long it may take in all, in stalls. */
const REQUEST_STALLS = 3;

/**
 * Opens a table where it is on S3. LanceDB makes requests of its own; it finds credentials in the same places, but knows the
 * endpoint and the time-outs by other names.
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
    // Retries around these, which would multiply the time until a service that is silent is given up.
    download_retry_count: '0',
    lance_aimd_max_retries: '0',
    ...('x-amz-request-payer' in s3Settings().all ? { aws_request_payer: 'true' } : {}),
    ...(endpoint
      ? { endpoint, allow_http: `${endpoint.startsWith('http://')}`, virtual_hosted_style_request: 'false' }
      : {}),
  };
  // LanceDB tries to connect several times over, each with all its retries.
  const deadline = new AbortController();
  const opening = connect(uri, { storageOptions }).then((connection) => connection.openTable(bucket));
  const timer = sleep(giveUpMs() + requestMs, undefined, { signal: deadline.signal }).then(() => {
    throw new TransientError(
      `${uri}: no answer from ${endpointName} to LanceDB in ${(giveUpMs() + requestMs) / 1000} s. Check the network, then run the same ` +
        'command again.',
    );
  });
  try {
    return await Promise.race([opening, timer]);
  } finally {
    deadline.abort();
    timer.catch(() => {});
    opening.catch(() => {});
  }
}
