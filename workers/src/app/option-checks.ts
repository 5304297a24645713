import { UsageError } from '../base/errors.ts';

/** Checks the value of an option. @throws UsageError if it is not a whole number, or less than `least` */
export function requireWhole(option: string, value: number, least = 1): void {
  if (!Number.isSafeInteger(value) || value < least)
    throw new UsageError(`--${option} must be a whole number from ${least}, not ${value}.`);
}

/** Checks the value of --max-evalue. @throws UsageError if it is not a number from 0 */
export function requireEvalue(value: number | undefined): void {
  if (value !== undefined && !(value >= 0)) throw new UsageError(`--max-evalue must be a number from 0, not ${value}.`);
}

/** Checks the value of --target-recall. @throws UsageError if it is not above 0 and at most 1 */
export function requireTargetRecall(value: number | undefined): void {
  if (value !== undefined && !(value > 0 && value <= 1))
    throw new UsageError(`--target-recall must be above 0 and at most 1, not ${value}.`);
}
