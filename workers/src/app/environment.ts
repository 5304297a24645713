import { UsageError } from '../base/errors.ts';

/** Limits of a number in a variable. */
export interface NumberRange {
  least: number;
  most?: number;
  /** Whether it may have decimals. */
  decimals?: boolean;
}

/**
 * Reads a number from a variable of the environment.
 * @param standard where the variable is not set, or empty
 * @throws UsageError that names the variable if it is no number of the range
 */
export function numberVariable(
  name: string,
  standard: number,
  { least, most = Number.MAX_SAFE_INTEGER, decimals = false }: NumberRange,
): number {
  const text = process.env[name]?.trim();
  if (!text) return standard;
  const value = /^[\d.]+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most && (decimals || Number.isInteger(value))) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `${least}` : `${least} to ${most}`;
  throw new UsageError(
    `${name} must be a ${decimals ? '' : 'whole '}number from ${range}, not ${JSON.stringify(text)}. Correct or unset the variable.`,
  );
}
