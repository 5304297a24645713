import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** Below the time limit of a test, whose own message would not say what is missing. */
const LIMIT_MS = 150_000;
const EVERY_MS = 20;

/** How to wait. */
interface Waiting {
  /** A program that must run until then: the wait fails when it ends first. */
  during?: ChildProcess;
  /** Describes what is there instead, for the error. */
  state?: () => string | Promise<string>;
  everyMs?: number;
  limitMs?: number;
}

/**
 * Looks until something is found.
 * @param what is waited for, for the error
 * @param look returns undefined or false where it finds nothing
 * @returns what `look` found
 * @throws where the program ends first, or after a limit, with the state
 */
export async function waitUntil<T>(
  what: string,
  look: () => T | Promise<T>,
  { during, state = () => '', everyMs = EVERY_MS, limitMs = LIMIT_MS }: Waiting = {},
): Promise<Exclude<T, undefined | false>> {
  for (const startMs = performance.now(); ; await sleep(everyMs)) {
    // Read first: what is waited for may come just before the end.
    const end = during?.exitCode ?? during?.signalCode ?? undefined;
    const found = await look();
    if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
    const isLate = performance.now() - startMs > limitMs;
    if (end === undefined && !isLate) continue;
    const why = end === undefined ? `it did not come in ${limitMs / 1000} s` : `the program ended first, with ${end}`;
    throw new Error(`Waited until ${what}: ${why}\n${await state()}`);
  }
}
