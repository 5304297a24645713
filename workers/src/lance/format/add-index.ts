import { ProtobufWriter, readFields } from '../../base/bytes/protobuf.ts';
import type { Metric } from '../../vectors/metric.ts';
import { joinManifest, MANIFEST, nextManifest, splitManifest } from './manifest-file.ts';
import { encodeRange } from './roaring.ts';

const FRAGMENT_ID = 1;
const COLUMN = { name: 2, id: 3 };
const METRIC_TYPE: Record<Metric, number> = { l2: 0, cosine: 1, dot: 2 };
const IVF_RQ_VERSION = 2;

/** An index to add to a table. */
export interface NewIndex {
  /** 16 bytes. */
  uuid: Uint8Array;
  name: string;
  column: string;
  metric: Metric;
  /** The partition size that LanceDB keeps when rows are added; its default would merge the partitions of small tables. */
  rowsPerPartition: number;
  /** Files in `_indices/<uuid>/`. */
  files: readonly { path: string; bytes: number }[];
  createdMs: number;
}

/**
 * Returns the next version of a table: the same rows, and one index that covers all of them.
 * @param manifest the newest manifest file, of a table without an index whose fragments are numbered from 0
 * @throws RangeError if it is not such a manifest
 */
export function addIndex(manifest: Uint8Array, index: NewIndex): { version: number; bytes: Uint8Array } {
  const { fields, end } = splitManifest(manifest);
  const fragments = fields.filter(({ field }) => field === MANIFEST.fragments);
  const ids = fragments.map(({ bytes }) =>
    Number(readFields(bytes).find((each) => each.field === FRAGMENT_ID)?.integer ?? 0),
  );
  if (ids.some((id, i) => id !== i)) throw new RangeError('fragments are not numbered from 0');
  const readVersion = Number(fields.find(({ field }) => field === MANIFEST.version)?.integer ?? 0);

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

  const replaced = [MANIFEST.indexSection, MANIFEST.transactionFile, MANIFEST.transactionSection];
  const next = nextManifest(fields, replaced, readVersion + 1, index.createdMs).integer(MANIFEST.indexSection, 0);
  return { version: readVersion + 1, bytes: joinManifest(section, next.finish(), end) };
}

function fieldId(fields: ReturnType<typeof readFields>, column: string): number {
  for (const { field, bytes } of fields) {
    if (field !== MANIFEST.fields) continue;
    const parts = readFields(bytes);
    if (parts.some((part) => part.field === COLUMN.name && new TextDecoder().decode(part.bytes) === column))
      return Number(parts.find((part) => part.field === COLUMN.id)?.integer ?? 0);
  }
  throw new RangeError(`no column ${column}`);
}

/** Encodes VectorIndexDetails: the metric, the partition size, and one bit per component. */
function describeIndex(details: ProtobufWriter, { metric, rowsPerPartition }: NewIndex): void {
  details.integer(1, METRIC_TYPE[metric]).integer(2, rowsPerPartition);
  details.message(6, (quantizer) => quantizer.integer(1, 1));
}
