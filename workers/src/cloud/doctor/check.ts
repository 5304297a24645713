import { toUserError, UserError } from '../../base/errors.ts';
import { type Finding, failedBy } from './finding.ts';

/** Runs a check. A UserError becomes a finding, with this remedy or the error's own; other errors are thrown. */
export async function check(
  name: string,
  run: () => Promise<Finding | Finding[]>,
  remedy?: string,
): Promise<Finding[]> {
  try {
    return [await run()].flat();
  } catch (thrown) {
    const error = toUserError(thrown);
    if (error instanceof UserError) return [failedBy(name, error, remedy)];
    throw error;
  }
}
