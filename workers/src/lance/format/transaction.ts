import { readFields } from '../../base/bytes/protobuf.ts';
import { type ManifestFragment, readFragment } from './table-manifest.ts';

/** Reads the change that made a version of a table (protos/transaction.proto of the Lance project). */

export interface TableOperation {
  /** LanceDB's name of it. */
  name: string;
  /** Whether the version has the rows of the previous one; `columns`: it has, but columns may have changed. */
  rows: 'kept' | 'columns' | 'changed';
}

/** Rewrites files as fewer, larger ones. */
export const COMPACT: TableOperation = { name: 'compact', rows: 'kept' };
const COMPACT_FIELD = 104;

/** Operations by the field of a transaction that holds them. */
const OPERATIONS = new Map<number, TableOperation>([
  [100, { name: 'add', rows: 'changed' }],
  [101, { name: 'delete', rows: 'changed' }],
  [102, { name: 'overwrite', rows: 'changed' }],
  [103, { name: 'create or drop an index', rows: 'kept' }],
  [COMPACT_FIELD, COMPACT],
  [105, { name: 'add columns', rows: 'columns' }],
  [106, { name: 'restore', rows: 'changed' }],
  [107, { name: 'reserve fragments', rows: 'kept' }],
  [108, { name: 'update or merge_insert', rows: 'changed' }],
  [109, { name: 'drop or rename columns', rows: 'kept' }],
  [110, { name: 'update configuration', rows: 'kept' }],
  [111, { name: 'replace data', rows: 'changed' }],
  [114, { name: 'update base paths', rows: 'kept' }],
]);

/** Reads the operation of a transaction; an unknown one may have changed rows. @throws RangeError if the bytes are not a transaction */
export function readOperation(transaction: Uint8Array): TableOperation {
  const unknown: TableOperation = { name: 'an operation that LanceFlow does not know', rows: 'changed' };
  const known = readFields(transaction).flatMap(({ field }) => OPERATIONS.get(field) ?? []);
  return known.length === 1 ? known[0]! : unknown;
}

/** Returns the fragments that a COMPACT transaction replaced. @throws RangeError if the bytes are not a transaction */
export function compactedFragments(transaction: Uint8Array): ManifestFragment[] {
  const [groups, replaced] = [3, 1];
  return readFields(transaction)
    .filter(({ field }) => field === COMPACT_FIELD)
    .flatMap(({ bytes }) => readFields(bytes))
    .flatMap((part) => (part.field === groups ? readFields(part.bytes) : [part]))
    .filter(({ field }) => field === replaced)
    .map(({ bytes }) => readFragment(bytes));
}
