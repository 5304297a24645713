import { toUserError, UserError } from '../../base/errors.ts';
import { type Finding, failedBy } from './finding.ts';

/** Runs a check. What it throws becomes a finding, with this remedy or the error's own; bugs go through. */
export async function check(
  name: string,
  look: () => Promise<Finding | Finding[]>,
  remedy?: string,
): Promise<Finding[]> {
  try {
    return [await look()].flat();
  } catch (thrown) {
    const error = toUserError(thrown);
    if (error instanceof UserError) return [failedBy(name, error, remedy)];
    throw error;
  }
}
