import { counted } from '../../base/text/counted.ts';
import type { LastRecall } from '../../evaluate/evaluation.ts';
import { unchangedBuckets } from '../../evaluate/last-recall.ts';
import { modelIdentity } from '../../shard/shard.ts';
import type { BucketLine } from './bucket-line.ts';

/** A database as a whole. */
export interface CatalogSummary {
  deletedRows: number;
  /** Mean of the buckets' rows divided by the bucket size. */
  fill: number;
  bucketSize: number;
  /** Bucket counts by kind of index, and by model. */
  indexes: Record<string, number>;
  models: Record<string, number>;
  /** When the first and the last bucket were built; absent in an empty database. */
  oldest?: string | undefined;
  newest?: string | undefined;
  /** The recall that was measured last; absent where it never was, or where its record cannot be read. */
  recall?: (Omit<LastRecall, 'buckets' | 'format' | 'version'> & RecallState) | undefined;
}

/** How far a recall is that of the database as it is now. */
export interface RecallState {
  /** Buckets of the database that were searched, and are as they were then. */
  sameBuckets: number;
  /** Buckets that were searched, and were changed or removed since. */
  changedBuckets: number;
  /** Buckets with rows that were built since, and not searched. */
  addedBuckets: number;
}

/** Sums up the buckets of a database. */
export function summarizeCatalog(
  lines: readonly BucketLine[],
  bucketSize: number,
  last: LastRecall | undefined,
): CatalogSummary {
  const built = lines.map(({ created }) => created).sort();
  return {
    deletedRows: lines.reduce((sum, { deletedRows }) => sum + deletedRows, 0),
    fill: lines.reduce((sum, { rows }) => sum + rows / bucketSize, 0) / Math.max(1, lines.length),
    bucketSize,
    indexes: countBy(lines, ({ index }) => index.kind),
    models: countBy(lines, modelOf),
    oldest: built[0],
    newest: built.at(-1),
    recall: last && recallOf(lines, last),
  };
}

/** Says what changed since a recall was measured; empty where nothing did. */
export function changesSince({ changedBuckets, addedBuckets }: RecallState): string {
  const changes = [
    changedBuckets > 0 && `${counted(changedBuckets, 'bucket')} changed`,
    addedBuckets > 0 && `${counted(addedBuckets, 'bucket')} added`,
  ];
  return changes.filter(Boolean).join(', ');
}

/** Names the model of a bucket, with its hash where it is known. */
export function modelOf({ model }: Pick<BucketLine, 'model'>): string {
  return modelIdentity(model) ?? 'unknown';
}

function countBy(lines: readonly BucketLine[], of: (line: BucketLine) => string): Record<string, number> {
  const groups = [...Map.groupBy(lines, of)].map(([name, own]) => [name, own.length] as const);
  return Object.fromEntries(groups.sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)));
}

function recallOf(lines: readonly BucketLine[], recall: LastRecall) {
  const { buckets, format: _, version: __, ...last } = recall;
  const sameBuckets = unchangedBuckets(lines, recall);
  const isAdded = ({ bucket, rows, created }: BucketLine) =>
    rows > 0 && !Object.hasOwn(buckets, bucket) && Date.parse(created) > Date.parse(last.measured);
  const changedBuckets = Object.keys(buckets).length - sameBuckets;
  return { ...last, sameBuckets, changedBuckets, addedBuckets: lines.filter(isAdded).length };
}
