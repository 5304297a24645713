import { resolve } from 'node:path';
import { requireWhole } from '../app/option-checks.ts';
import { UsageError } from '../base/errors.ts';
import { replaceAndCheckIds } from './pack-messages.ts';

/** Arguments of pack-buckets that are checked together. */
interface PackArguments {
  input: readonly string[];
  name?: readonly string[] | undefined;
  bucketSize: number;
  database?: string | undefined;
  checkIds: boolean;
  replace: boolean;
}

/** Checks the arguments of pack-buckets before a file is read. @throws UsageError */
export function requireArguments({ input, name, bucketSize, database, checkIds, replace }: PackArguments): void {
  if (input.length === 0) throw new UsageError('--input needs at least one shard.');
  const paths = new Set<string>();
  for (const path of input) {
    if (paths.has(resolve(path))) throw new UsageError(`--input names ${path} twice.`);
    paths.add(resolve(path));
  }
  if (name && name.length !== input.length)
    throw new UsageError(`--name has ${name.length} values for ${input.length} of --input; it needs one for each.`);
  requireWhole('bucket-size', bucketSize);
  if (checkIds && database === undefined) throw new UsageError('--check-ids needs --database.');
  if (replace && database === undefined) throw new UsageError('--replace needs --database.');
  if (replace && checkIds) throw new UsageError(replaceAndCheckIds);
}
