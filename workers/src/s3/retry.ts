import type { RetryErrorInfo, RetryStrategyV2, RetryToken } from '@smithy/types';
import { countRetry } from '../app/usage.ts';

/** No request is repeated when this long has passed since it was first sent: with one more stall, under a minute. */
export function giveUpMs(): number {
  return Number(process.env.LANCEFLOW_S3_GIVE_UP_MS) || 40_000;
}

/** Refusals of a body that was damaged or cut on its way; the SDK takes them for faults of ours. */
const DAMAGED = new Set(['BadDigest', 'IncompleteBody', 'RequestTimeout', 'XAmzContentChecksumMismatch']);
export const MAX_ATTEMPTS = 8;
const BASE_MS = 100;
const THROTTLED_BASE_MS = 500;
const MAX_DELAY_MS = 8_000;

/** How long to wait before the next attempt: exponential, with full jitter so that many tasks do not come back at once. */
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
 * The SDK's standard mode with another end: it stops by time, because a fault that lasts must be told in under a
 * minute, and passing faults on a tenth of thousands of requests must not use up a budget.
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
    // 501: the service does not know what it was asked for, now or later.
    const passing =
      (errorType !== 'CLIENT_ERROR' && statusOf(error) !== 501) ||
      DAMAGED.has((error as Error | undefined)?.name ?? '');
    if (!passing || !mayRepeat(startedMs, attempt, delayMs)) throw new Error('no more attempts');
    countRetry();
    return token(startedMs, attempt, delayMs);
  },
  recordSuccess() {},
};

/** Whether one more attempt, after a delay, still ends in time. */
export function mayRepeat(startedMs: number, attempt: number, delayMs: number): boolean {
  return attempt < MAX_ATTEMPTS && performance.now() + delayMs - startedMs < giveUpMs();
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;
}
