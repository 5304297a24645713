/** Why a LanceDB request to S3 failed. LanceDB reports it only in the text of its error. */
export type S3Failure =
  /** The service or the network failed, perhaps temporarily. */
  | 'passing'
  /** The service refused the credentials. */
  | 'denied';

/** An error of the `object_store` crate, in any of its forms. */
const OF_S3 = /Generic S3 error|store: "S3"|http:\/\/|https:\/\/|error sending request/;
/** "Server returned non-2xx status code: 503 Service Unavailable", "Status { status: 503" */
const STATUS = /\b(?:status code: |status: )(\d{3})\b/;

/**
 * Finds the reason of an S3 failure in a LanceDB message: a network fault must not be mistaken for a damaged table, which users
 * remove and build again.
 * @returns undefined for any other error, such as a missing object
 */
export function s3FailureIn(message: string): S3Failure | undefined {
  if (/AccessDenied|\b(401 Unauthorized|403 Forbidden)\b|\bUnauthenticated\b|PermissionDenied/.test(message))
    return 'denied';
  if (!OF_S3.test(message)) return undefined;
  const status = Number(STATUS.exec(message)?.[1] ?? 0);
  if (status === 401 || status === 403) return 'denied';
  if (status >= 500 || status === 408 || status === 429) return 'passing';
  if (status >= 400 || /NoSuchKey|NotFound|not found/i.test(message)) return undefined;
  return /HTTP error|kind: (Timeout|Connect|Request|Interrupted|Decode)|TimedOut|timed out|connection (closed|reset|refused)|error (sending request|decoding response body)|IncompleteMessage|IncompleteBody|after \d+ retries|\b50[0-4]\b/i.test(
    message,
  )
    ? 'passing'
    : undefined;
}
