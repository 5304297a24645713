import type { RetryErrorInfo, RetryStrategyV2, RetryToken } from '@smithy/types';
import { numberVariable } from '../app/environment.ts';
import { countRetry } from '../app/usage.ts';

/** Of both limits: a day. Timers of more than 24 days would fire at once. */
export const MOST_MS = 86_400_000;

/**
 * Returns the time after which a request is not repeated: with one more stall, errors are reported in under a minute.
 * @throws UsageError if LANCEFLOW_S3_GIVE_UP_MS is wrong
 */
export function giveUpMs(): number {
  return numberVariable('LANCEFLOW_S3_GIVE_UP_MS', 40_000, { least: 1, most: MOST_MS });
}

/** Errors for a body that was damaged or truncated in transit, which the SDK does not retry. */
const DAMAGED = new Set(['BadDigest', 'IncompleteBody', 'RequestTimeout', 'XAmzContentChecksumMismatch']);
export const MAX_ATTEMPTS = 8;
const BASE_MS = 100;
/** Where the service asks to slow down. */
export const THROTTLED_BASE_MS = 500;
const MAX_DELAY_MS = 8_000;

/** Returns the delay before the next attempt: exponential, with full jitter to spread the retries of many tasks. */
export function backoffMs(attempt: number, baseMs = BASE_MS): number {
  return Math.random() * Math.min(MAX_DELAY_MS, baseMs * 2 ** attempt);
}

interface Token extends RetryToken {
  startedMs: number;
}

function token(startedMs: number, count: number, delayMs: number): Token {
  return { startedMs, getRetryCount: () => count, getRetryDelay: () => delayMs };
}

/**
 * The SDK's standard retry mode, limited by time: lasting faults must be reported in under a minute, and passing faults of a tenth of
 * thousands of requests must not exhaust a retry budget.
 */
export const retryStrategy: RetryStrategyV2 = {
  async acquireInitialRetryToken() {
    return token(performance.now(), 0, 0);
  },
  async refreshRetryTokenForRetry(last: RetryToken, { error, errorType, retryAfterHint }: RetryErrorInfo) {
    const { startedMs } = last as Token;
    const attempt = last.getRetryCount() + 1;
    const base = errorType === 'THROTTLING' || statusOf(error) === 503 ? THROTTLED_BASE_MS : BASE_MS;
    const hintMs = retryAfterHint === undefined ? 0 : Math.min(MAX_DELAY_MS, retryAfterHint.getTime() - Date.now());
    const delayMs = Math.max(hintMs, backoffMs(attempt, base));
    // 501: the service does not support the request.
    const passing =
      (errorType !== 'CLIENT_ERROR' && statusOf(error) !== 501) ||
      DAMAGED.has((error as Error | undefined)?.name ?? '');
    if (!passing || !mayRepeat(startedMs, attempt, delayMs)) throw new Error('no more attempts');
    countRetry();
    return token(startedMs, attempt, delayMs);
  },
  recordSuccess() {},
};

/** Returns whether one more attempt after a delay is within the limits. */
export function mayRepeat(startedMs: number, attempt: number, delayMs: number): boolean {
  return attempt < MAX_ATTEMPTS && performance.now() + delayMs - startedMs < giveUpMs();
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;
}
