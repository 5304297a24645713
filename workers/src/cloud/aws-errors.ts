import { DataError, TransientError, UsageError, UserError } from '../base/errors.ts';

/** What the SDK throws, as far as it matters here. */
interface AwsError extends Error {
  code?: string;
  $metadata?: { httpStatusCode?: number };
}

const UNREACHABLE = /^(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/;

/**
 * Turns an error of the SDK into one that a person can act on; what is no error of AWS or of the network is returned unchanged.
 * @param what what was asked: "DescribeJobQueues"
 * @param where the service, as a person knows it: "AWS Batch in eu-central-1"
 */
export function toAwsUserError(thrown: unknown, what: string, where: string): unknown {
  if (!(thrown instanceof Error) || thrown instanceof UserError) return thrown;
  const error = thrown as AwsError;
  const status = error.$metadata?.httpStatusCode ?? 0;
  const cause = { cause: thrown };
  const text = error.message.split('\n')[0]!.slice(0, 300);
  if (error.name === 'CredentialsProviderError')
    return new UsageError(
      `No AWS credentials (${text}). Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign in: aws sso login.`,
      cause,
    );
  if (/Region is missing/.test(error.message))
    return new UsageError(
      'No AWS region. Give aws_region in the parameters file, or set AWS_REGION, or a region in the AWS profile.',
      cause,
    );
  if (/^(ExpiredToken|ExpiredTokenException|TokenRefreshRequired|RequestExpired)$/.test(error.name))
    return new TransientError(`${where}, ${what}: the session has expired. Sign in anew: aws sso login.`, cause);
  if (
    /^(UnrecognizedClientException|InvalidClientTokenId|InvalidSignatureException|SignatureDoesNotMatch)$/.test(
      error.name,
    )
  )
    return new UsageError(`${where}, ${what}: AWS does not know these credentials (${error.name}). Check them.`, cause);
  if (status === 401 || status === 403)
    return new DataError(
      `${where}, ${what}: access denied (${text}). Attach the policy PREFIX-launch of infra/lanceflow.yaml to these credentials, or use others.`,
      cause,
    );
  if (status === 429 || /Throttl|TooManyRequests/.test(error.name))
    return new TransientError(`${where}, ${what}: too many requests. Run the same command again in a minute.`, cause);
  if (status >= 500)
    return new TransientError(
      `${where}, ${what}: the service failed (${status} ${error.name}). Run the same command again.`,
      cause,
    );
  if (status >= 400) return new DataError(`${where}, ${what}: ${text}`, cause);
  const code = error.code ?? (error.cause as AwsError | undefined)?.code ?? '';
  if (error.name === 'TimeoutError' || UNREACHABLE.test(code) || /socket hang up/.test(error.message))
    return new TransientError(
      `${where} cannot be reached (${code || text}). Check the network, the region and AWS_ENDPOINT_URL, then run the same command again.`,
      cause,
    );
  return thrown;
}
