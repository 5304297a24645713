import { DataError, UsageError } from '../base/errors.ts';
import { type PlanSource, type ReplacedSources, rowHashOf } from '../database/catalog/bucket-plan.ts';
import { mayHaveOtherRows } from '../database/catalog/catalog-entry.ts';
import type { KnownBucket } from './known-bucket.ts';
import { emptyVersion, otherClientsRows, otherRowsUnknown, relativePath } from './pack-messages.ts';

/** An input, as its description has it. */
interface Input {
  path: string;
  rowHash: string;
  rows: number;
}

/** A source of a bucket, of which an input of the same name has another content. */
export interface ReplacedSource {
  bucket: string;
  source: PlanSource;
}

/**
 * Finds the sources of the database that are earlier versions of inputs: an input has the file's name, and none has the content, under any
 * name, as a renamed file has.
 */
export function findReplaced(
  inputs: ReadonlyArray<Omit<Input, 'rows'>>,
  entries: readonly KnownBucket[],
): ReplacedSource[] {
  const names = new Set(inputs.map(({ path }) => fileOf(path)));
  const contents = new Set(inputs.map(({ rowHash }) => rowHash));
  const isEarlier = (source: PlanSource) => names.has(fileOf(source.path)) && !contents.has(rowHashOf(source));
  return entries.flatMap(({ bucket, sources }) => sources.filter(isEarlier).map((source) => ({ bucket, source })));
}

/** Returns the name of the file that a source is, or is a part of: SPLIT_SEQUENCES numbers the parts of a large file. */
export function fileOf(path: string): string {
  return path.replace(/#\d+$/, '');
}

/** Returns whether a path names the same file in every build. */
export function isAbsolutePath(path: string): boolean {
  return /^(\/|[a-z][a-z0-9+.-]*:\/\/)/i.test(path);
}

/**
 * Plans the deletion of replaced sources. A table does not say which source a row is of, so the ids of the other sources of its bucket tell:
 * these must be inputs, too.
 * @returns the sources, and the inputs with those ids; undefined where nothing is replaced
 * @throws UsageError for a relative path of an input; DataError where a new version is empty, as after a failed download, or the rows of a
 *   bucket cannot be told apart
 */
export function planReplacement(
  inputs: readonly Input[],
  entries: readonly KnownBucket[],
  replaced: readonly ReplacedSource[],
): ReplacedSources | undefined {
  for (const { path } of inputs) if (!isAbsolutePath(path)) throw new UsageError(relativePath(path));
  if (replaced.length === 0) return undefined;
  const files = new Set(replaced.map(({ source }) => fileOf(source.path)));
  const versions = inputs
    .filter(({ path, rows }) => rows > 0 && files.has(fileOf(path)))
    .map(({ path, rowHash, rows }) => ({ path, rowHash, rows }));
  const isEmpty = (file: string) => !versions.some(({ path }) => fileOf(path) === file);
  for (const { source, bucket } of replaced)
    if (isEmpty(fileOf(source.path))) throw new DataError(emptyVersion(fileOf(source.path), bucket));
  const shardOf = new Map(inputs.map(({ rowHash }, shard) => [rowHash, shard]));
  const gone = new Set(replaced.map(({ source }) => rowHashOf(source)));
  const kept = new Set<number>();
  for (const { bucket, sources, revision } of entries) {
    const first = sources.find((source) => gone.has(rowHashOf(source)));
    if (!first) continue;
    if (mayHaveOtherRows({ revision })) throw new DataError(otherClientsRows(first.path, bucket));
    for (const source of sources) {
      if (gone.has(rowHashOf(source))) continue;
      const shard = shardOf.get(rowHashOf(source));
      if (shard === undefined) throw new DataError(otherRowsUnknown(first.path, bucket, source.path));
      kept.add(shard);
    }
  }
  const sources = replaced.map(({ source }) => ({ path: source.path, rowHash: rowHashOf(source) }));
  const distinct = [...new Map(sources.map((source) => [source.rowHash, source])).values()];
  return { sources: distinct, versions, kept: [...kept].sort((a, b) => a - b) };
}
