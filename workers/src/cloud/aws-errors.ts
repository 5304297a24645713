import { DataError, TransientError, UsageError, UserError } from '../base/errors.ts';
import { AWS } from './cloud-messages.ts';

/** Fields of the SDK's errors that this file reads. */
interface AwsError extends Error {
  code?: string;
  $metadata?: { httpStatusCode?: number };
}

const EXPIRED = /^(ExpiredToken|ExpiredTokenException|TokenRefreshRequired|RequestExpired)$/;
const UNKNOWN = /^(UnrecognizedClientException|InvalidClientTokenId|InvalidSignatureException|SignatureDoesNotMatch)$/;
const UNREACHABLE = /^(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/;

/**
 * Turns an error of the SDK into a UserError. Returns an error that comes from neither AWS nor the network unchanged.
 * @param request "DescribeJobQueues"
 * @param where the service: "AWS Batch in eu-central-1"
 */
export function toAwsUserError(thrown: unknown, request: string, where: string): unknown {
  if (!(thrown instanceof Error) || thrown instanceof UserError) return thrown;
  const error = thrown as AwsError;
  const status = error.$metadata?.httpStatusCode ?? 0;
  const cause = { cause: thrown };
  const text = error.message.split('\n')[0]!.slice(0, 300);
  if (error.name === 'CredentialsProviderError') return new UsageError(AWS.noCredentials(text), cause);
  if (/Region is missing/.test(error.message)) return new UsageError(AWS.noRegion, cause);
  if (EXPIRED.test(error.name)) return new TransientError(AWS.expiredSession(where, request), cause);
  if (UNKNOWN.test(error.name)) return new UsageError(AWS.unknownCredentials(where, request, error.name), cause);
  if (status === 401 || status === 403) return new DataError(AWS.denied(where, request, text), cause);
  if (status === 429 || /Throttl|TooManyRequests/.test(error.name))
    return new TransientError(AWS.throttled(where, request), cause);
  if (status >= 500) return new TransientError(AWS.failed(where, request, `${status} ${error.name}`), cause);
  if (status >= 400) return new DataError(AWS.refused(where, request, text), cause);
  const code = error.code ?? (error.cause as AwsError | undefined)?.code ?? '';
  if (error.name === 'TimeoutError' || UNREACHABLE.test(code) || /socket hang up/.test(error.message))
    return new TransientError(AWS.unreachable(where, code || text), cause);
  return thrown;
}
