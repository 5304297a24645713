import { ProtobufWriter, readFields } from '../../base/bytes/protobuf.ts';
import type { Metric } from '../../vectors/metric.ts';
import { encodeRange } from './roaring.ts';

/**
 * A table's manifest (protos/table.proto of the Lance project): a section of indices, the manifest itself, and 16 bytes
 * that say where it begins.
 */

/** Numbers of the fields that are read or replaced. */
const FIELD = { fragments: 2, version: 3, indexSection: 6, timestamp: 7, transactionFile: 12, transactionSection: 21 };
const FRAGMENT_ID = 1;
const COLUMN = { name: 2, id: 3 };
const METRIC_TYPE: Record<Metric, number> = { l2: 0, cosine: 1, dot: 2 };
const IVF_RQ_VERSION = 2;
const FOOTER_BYTES = 16;

/** A new index of a table. */
export interface NewIndex {
  /** 16 bytes. */
  uuid: Uint8Array;
  name: string;
  column: string;
  metric: Metric;
  /** What LanceDB is to keep partitions near when rows are added; its default would join those of small tables. */
  rowsPerPartition: number;
  /** Files in `_indices/<uuid>/`. */
  files: readonly { path: string; bytes: number }[];
  createdMs: number;
}

/**
 * The manifest of the next version of a table: the same rows, and one index that covers all of them.
 * @param manifest the newest manifest file, of a table without an index whose fragments are numbered from 0
 * @throws RangeError where it is not such a manifest
 */
export function addIndex(manifest: Uint8Array, index: NewIndex): { version: number; bytes: Uint8Array } {
  const view = new DataView(manifest.buffer, manifest.byteOffset, manifest.byteLength);
  const begin = Number(view.getBigUint64(manifest.length - FOOTER_BYTES, true));
  const length = view.getUint32(begin, true);
  const fields = readFields(manifest.subarray(begin + 4, begin + 4 + length));
  const find = (field: number) => fields.find((each) => each.field === field);
  const fragments = fields.filter(({ field }) => field === FIELD.fragments);
  const ids = fragments.map(({ bytes }) =>
    Number(readFields(bytes).find((each) => each.field === FRAGMENT_ID)?.integer ?? 0),
  );
  if (ids.some((id, i) => id !== i)) throw new RangeError('fragments are not numbered from 0');
  const readVersion = Number(find(FIELD.version)?.integer ?? 0);

  const section = new ProtobufWriter()
    .message(1, (metadata) => {
      metadata.message(1, (uuid) => uuid.bytes(1, index.uuid)).packed(2, [fieldId(fields, index.column)]);
      metadata.string(3, index.name).integer(4, readVersion).bytes(5, encodeRange(fragments.length));
      metadata.message(6, (details) => {
        details.string(1, '/lance.index.pb.VectorIndexDetails');
        details.message(2, (inner) => describeIndex(inner, index));
      });
      metadata.integer(7, IVF_RQ_VERSION).integer(8, index.createdMs);
      for (const { path, bytes } of index.files) metadata.message(10, (file) => file.string(1, path).integer(2, bytes));
    })
    .finish();

  const replaced = new Set([...Object.values(FIELD)].filter((field) => field !== FIELD.fragments));
  const next = new ProtobufWriter();
  for (const field of fields) if (!replaced.has(field.field)) next.copy(field);
  next.integer(FIELD.version, readVersion + 1).integer(FIELD.indexSection, 0);
  next.message(FIELD.timestamp, (time) => {
    time.integer(1, Math.floor(index.createdMs / 1000)).integer(2, (index.createdMs % 1000) * 1e6);
  });
  return { version: readVersion + 1, bytes: assemble(section, next.finish(), manifest.subarray(manifest.length - 8)) };
}

/** @param end version of the format, and "LANC" */
function assemble(section: Uint8Array, manifest: Uint8Array, end: Uint8Array): Uint8Array {
  const whole = new Uint8Array(4 + section.length + 4 + manifest.length + FOOTER_BYTES);
  const view = new DataView(whole.buffer);
  view.setUint32(0, section.length, true);
  whole.set(section, 4);
  const begin = 4 + section.length;
  view.setUint32(begin, manifest.length, true);
  whole.set(manifest, begin + 4);
  view.setBigUint64(whole.length - FOOTER_BYTES, BigInt(begin), true);
  whole.set(end, whole.length - 8);
  return whole;
}

function fieldId(fields: ReturnType<typeof readFields>, column: string): number {
  for (const { field, bytes } of fields) {
    if (field !== 1) continue;
    const parts = readFields(bytes);
    if (parts.some((part) => part.field === COLUMN.name && new TextDecoder().decode(part.bytes) === column))
      return Number(parts.find((part) => part.field === COLUMN.id)?.integer ?? 0);
  }
  throw new RangeError(`no column ${column}`);
}

/** VectorIndexDetails: the metric, the size of partitions, and one bit a component. */
function describeIndex(details: ProtobufWriter, { metric, rowsPerPartition }: NewIndex): void {
  details.integer(1, METRIC_TYPE[metric]).integer(2, rowsPerPartition);
  details.message(6, (quantizer) => quantizer.integer(1, 1));
}
