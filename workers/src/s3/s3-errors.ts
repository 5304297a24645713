import { DataError, TransientError, UsageError, UserError } from '../base/errors.ts';

/** The relevant fields of errors of the SDK. */
export interface S3Error extends Error {
  code?: string;
  region?: string;
  Region?: string;
  $metadata?: { httpStatusCode?: number; attempts?: number };
  $response?: { headers?: Record<string, string> };
}

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
]);

/** Returns whether an error says that an object does not exist. */
export function isAbsent(error: unknown): boolean {
  const { name, $metadata } = error as S3Error;
  return name === 'NoSuchKey' || name === 'NotFound' || (name !== 'NoSuchBucket' && $metadata?.httpStatusCode === 404);
}

/** Returns whether a conditional write was refused. MinIO before 2024 responds 304, as to a GET. */
export function isConflict(error: unknown): boolean {
  const { name, $metadata } = error as S3Error;
  return name === 'PreconditionFailed' || [304, 409, 412].includes($metadata?.httpStatusCode ?? 0);
}

/** Returns the response of the service, also for errors that became UserErrors. */
export function answerOf(thrown: unknown): S3Error {
  return (thrown instanceof UserError ? (thrown.cause ?? thrown) : thrown) as S3Error;
}

/** Error codes with status 400 that do not mean an unsupported header or operation. */
const OTHER_REFUSALS =
  /^(BadDigest|InvalidDigest|XAmzContent\w+Mismatch|Expired\w*|Request(Timeout|Expired|TimeTooSkewed)\w*|TokenRefreshRequired|IncompleteBody|InvalidBucketName|InvalidToken|AuthorizationHeaderMalformed|IllegalLocationConstraintException|EntityTooLarge|EntityTooSmall|InvalidRange|KeyTooLongError|KMS\.\w+)$/;

/**
 * Returns whether a service does not support a request or one of its headers: 501, 405, or 400 under any of the codes that services
 * use for it (NotImplemented, InvalidArgument, InvalidRequest, MalformedXML, none after HEAD).
 */
export function isUnknownToService(thrown: unknown): boolean {
  const { name, $metadata } = answerOf(thrown);
  const status = $metadata?.httpStatusCode;
  return status === 501 || status === 405 || (status === 400 && !OTHER_REFUSALS.test(name));
}

/** Returns whether the session token has expired; a new one may be available. */
export function isExpired(error: unknown): boolean {
  return error instanceof Error && /^(ExpiredToken|ExpiredTokenException|TokenRefreshRequired)$/.test(error.name);
}

/**
 * Turns an error of the SDK into a UserError. Absent objects and failed preconditions, which callers handle, are returned unchanged.
 * @param what operation and object: "GetObject s3://bucket/key"
 * @param isConditional whether it was a conditional write
 */
export function toS3UserError(thrown: unknown, what: string, endpoint: string, isConditional = false): unknown {
  if (!(thrown instanceof Error) || thrown instanceof UserError) return thrown;
  const error = thrown as S3Error;
  const status = error.$metadata?.httpStatusCode ?? 0;
  const cause = { cause: thrown };
  const again = 'then run the same command again';
  switch (error.name) {
    case 'NoSuchBucket':
      return new DataError(`${what}: there is no such bucket at ${endpoint}. Check its name, or make it.`, cause);
    case 'InvalidAccessKeyId':
    case 'SignatureDoesNotMatch':
      return new UsageError(`${what}: S3 does not know these credentials (${error.name}). Check them.`, cause);
    case 'CredentialsProviderError':
      return new UsageError(
        `${what}: no AWS credentials (${oneLine(error)}). Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role.`,
        cause,
      );
    case 'ExpiredToken':
    case 'ExpiredTokenException':
    case 'TokenRefreshRequired':
      return new TransientError(
        `${what}: the session token has expired, and no newer one is available. Sign in again, ${again}.`,
        cause,
      );
    case 'RequestTimeTooSkewed':
    case 'RequestExpired':
      return new TransientError(
        `${what}: S3 refuses this machine's time (${new Date().toISOString()}): it differs by more than 15 minutes. Set the clock, ${again}.`,
        cause,
      );
    case 'BadDigest':
    case 'XAmzContentChecksumMismatch':
      return new TransientError(
        `${what}: what arrived was damaged, in ${attempts(error)}. Check the network, ${again}.`,
        cause,
      );
    case 'PermanentRedirect':
    case 'AuthorizationHeaderMalformed':
    case 'IllegalLocationConstraintException':
      return wrongRegion(error, what, cause);
  }
  if (status === 301 || status === 307) return wrongRegion(error, what, cause);
  if (isAbsent(error) || isConflict(error)) return thrown;
  if (status === 401 || status === 403) return new DataError(`${what}: ${denialOf(what)}`, cause);
  if (isUnknownToService(error)) return unknownRequest(error, what, endpoint, isConditional);
  if (status === 429 || error.name === 'SlowDown' || status === 503)
    return new TransientError(
      `${what}: S3 asks to slow down, and still did after ${attempts(error)} (${error.name}). Wait a little, or run fewer tasks at once, ${again}.`,
      cause,
    );
  if (status >= 500)
    return new TransientError(
      `${what}: S3 failed ${attempts(error)} (${status} ${error.name}). Wait a little, ${again}.`,
      cause,
    );
  return toNetworkError(error, what, endpoint) ?? thrown;
}

function unknownRequest(error: S3Error, what: string, endpoint: string, isConditional: boolean): UserError {
  const answer = `${error.$metadata?.httpStatusCode} ${error.name}: ${oneLine(error)}`;
  const cause = { cause: error };
  if (isConditional)
    return new UsageError(
      `${what}: ${endpoint} does not know conditional writes (${answer}), by which builds keep out of each other's way. ` +
        'Databases there can be searched. To build, use a folder or another service (docs/aws.md lists some), and copy the database.',
      cause,
    );
  return new UsageError(
    `${what}: ${endpoint} does not know this request, or a header of it (${answer}). docs/aws.md lists what services must know; check ` +
      'AWS_ENDPOINT_URL_S3 and the LANCEFLOW_S3_ settings, or use another service.',
    cause,
  );
}

/** Creates the error for a whole object where a range of it was requested. */
export function wholeObject(uri: string, endpoint: string): UsageError {
  return new UsageError(
    `GetObject ${uri}: ${endpoint} sends whole objects instead of ranges. docs/aws.md lists what services must know; check ` +
      'AWS_ENDPOINT_URL_S3, a proxy before it too, or use another service.',
  );
}

function toNetworkError(error: S3Error, what: string, endpoint: string): UserError | undefined {
  const cause = { cause: error };
  const code = error.code ?? (error as { cause?: S3Error }).cause?.code ?? '';
  if (UNREACHABLE.has(code) || /socket hang up|aborted/.test(error.message))
    return new TransientError(
      `${what}: ${endpoint} cannot be reached (${code || error.message}). Check the network and AWS_ENDPOINT_URL_S3, then run the same command again.`,
      cause,
    );
  // The SDK uses this name for lost connections too, so the code is checked first.
  if (error.name === 'TimeoutError')
    return new TransientError(
      `${what}: no answer from ${endpoint}, ${attempts(error)}. Check the network, then run the same command again.`,
      cause,
    );
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(code))
    return new UsageError(
      `${what}: the certificate of ${endpoint} is not trusted (${code}). Name its authority in NODE_EXTRA_CA_CERTS.`,
      cause,
    );
  if (/Region is missing/.test(error.message))
    return new UsageError(`${what}: no AWS region. Set AWS_REGION, or a region in the profile.`, cause);
  if (error.name === 'TypeError' && /Invalid URL/.test(error.message))
    return new UsageError(`${what}: AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL is not an address: ${endpoint}.`, cause);
  return undefined;
}

/** For an absent object, S3 answers 403 to whoever may not list its folder. */
function denialOf(what: string): string {
  const remedy = "lack the permission for it: ask the bucket's owner, or use others.";
  return /^(Get|Head)Object /.test(what)
    ? `access denied, or no such object: S3 does not say which to credentials that may not list its folder. Check the name. If it is right, these credentials ${remedy}`
    : `access denied. These credentials ${remedy}`;
}

function wrongRegion(error: S3Error, what: string, cause: ErrorOptions): UserError {
  const region = error.Region ?? error.region ?? error.$response?.headers?.['x-amz-bucket-region'];
  const other = region === undefined ? 'another region' : `region ${region}`;
  const remedy = region === undefined ? "Set AWS_REGION to the bucket's region" : `Set AWS_REGION=${region}`;
  return new UsageError(
    `${what}: the bucket is in ${other}. ${remedy}, and run where it is: traffic between regions costs.`,
    cause,
  );
}

function attempts(error: S3Error): string {
  const count = error.$metadata?.attempts ?? 1;
  return count === 1 ? 'one attempt' : `${count} attempts`;
}

function oneLine(error: Error): string {
  return error.message.split('\n')[0]!.slice(0, 200);
}
