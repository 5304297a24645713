import { DataError } from '../base/errors.ts';

export function badRunPlan(where: string, problem: string): DataError {
  return new DataError(`${where}: not a plan of a run (${problem}). Write it again with plan --output.`);
}

export function otherRunPlanFormat(where: string, format: unknown, version: unknown): DataError {
  const by = typeof version === 'string' ? `, written by LanceFlow ${version},` : '';
  return new DataError(
    `${where}: format ${JSON.stringify(format)} of the plan${by} is not the one of this version. Write it again with plan --output.`,
  );
}
