import { UsageError } from '../base/errors.ts';

/** @throws UsageError where the value of an option is no whole number, or less than `least` */
export function requireWhole(option: string, value: number, least = 1): void {
  if (!Number.isSafeInteger(value) || value < least)
    throw new UsageError(`--${option} must be a whole number from ${least}, not ${value}.`);
}
