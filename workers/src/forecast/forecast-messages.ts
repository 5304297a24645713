import { DataError, UsageError } from '../base/errors.ts';
import { findNearestName } from '../base/text/nearest-name.ts';

export function badRunPlan(where: string, problem: string): DataError {
  return new DataError(`${where}: not a plan of a run (${problem}). Write it again with plan --output.`);
}

export function otherRunPlanFormat(where: string, format: unknown, version: unknown): DataError {
  const by = typeof version === 'string' ? `, written by LanceFlow ${version},` : '';
  return new DataError(
    `${where}: format ${JSON.stringify(format)} of the plan${by} is not the one of this version. Write it again with plan --output.`,
  );
}

export function badPrices(where: string, problem: string): DataError {
  return new DataError(`${where}: not a table of prices (${problem}). docs/planning.md shows its fields.`);
}

/** @param known names of machine types */
export function unknownMachine(name: string, known: readonly string[]): UsageError {
  const near = findNearestName(name, known);
  const hint = near === undefined ? '' : ` Did you mean ${near}?`;
  return new UsageError(
    `--machine ${name}: unknown machine type.${hint} Known: ${known.join(', ')}. --prices FILE adds others.`,
  );
}
