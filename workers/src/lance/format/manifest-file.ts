import { type ProtobufField, ProtobufWriter, readFields } from '../../base/bytes/protobuf.ts';

/**
 * The manifest file of a table (protos/table.proto of the Lance project): sections, each preceded by its length; the Manifest
 * message, preceded by its length; and 16 bytes: the position of that message, the format's version and "LANC".
 */

const FOOTER_BYTES = 16;
/** The format's version and "LANC". */
const END_BYTES = 8;

/** Field numbers of the Manifest message. */
export const MANIFEST = {
  fields: 1,
  fragments: 2,
  version: 3,
  indexSection: 6,
  timestamp: 7,
  readerFlags: 9,
  writerFlags: 10,
  mostFragmentId: 11,
  transactionFile: 12,
  transactionSection: 21,
};

/** Returns the path of a version's manifest in the table's folder: by its name, the newest sorts first. */
export function manifestName(version: number): string {
  return `_versions/${(2n ** 64n - 1n - BigInt(version)).toString().padStart(20, '0')}.manifest`;
}

/** The parts of a manifest file. */
export interface ManifestFile {
  fields: ProtobufField[];
  /** The last END_BYTES. */
  end: Uint8Array;
}

/** Splits a manifest file into its parts. @throws RangeError if the bytes are not a manifest file */
export function splitManifest(bytes: Uint8Array): ManifestFile {
  if (bytes.length < FOOTER_BYTES || new TextDecoder().decode(bytes.subarray(-4)) !== 'LANC')
    throw new RangeError('not a manifest');
  const position = Number(viewOf(bytes).getBigUint64(bytes.length - FOOTER_BYTES, true));
  return { fields: readFields(messageAt(bytes, position)), end: bytes.subarray(-END_BYTES) };
}

/** Returns a message, which follows its length in the manifest file. @throws RangeError if the file ends before it */
export function messageAt(bytes: Uint8Array, begin: number): Uint8Array {
  if (begin + 4 > bytes.length) throw new RangeError('a manifest that ends early');
  const end = begin + 4 + viewOf(bytes).getUint32(begin, true);
  if (end > bytes.length) throw new RangeError('a manifest that ends early');
  return bytes.subarray(begin + 4, end);
}

/** Joins a section and a Manifest message into a manifest file; the section begins at byte 0. @param end of the previous version's file */
export function joinManifest(section: Uint8Array, manifest: Uint8Array, end: Uint8Array): Uint8Array {
  const whole = new Uint8Array(4 + section.length + 4 + manifest.length + FOOTER_BYTES);
  const view = viewOf(whole);
  view.setUint32(0, section.length, true);
  whole.set(section, 4);
  const begin = 4 + section.length;
  view.setUint32(begin, manifest.length, true);
  whole.set(manifest, begin + 4);
  view.setBigUint64(whole.length - FOOTER_BYTES, BigInt(begin), true);
  whole.set(end, whole.length - END_BYTES);
  return whole;
}

/**
 * Begins the Manifest message of a table's next version with the fields that do not change.
 * @param fields of the previous version
 * @param replaced numbers of the fields that the caller writes
 */
export function nextManifest(
  fields: readonly ProtobufField[],
  replaced: readonly number[],
  version: number,
  createdMs: number,
): ProtobufWriter {
  const next = new ProtobufWriter();
  const left = new Set([...replaced, MANIFEST.version, MANIFEST.timestamp]);
  for (const field of fields) if (!left.has(field.field)) next.copy(field);
  next.integer(MANIFEST.version, version);
  return next.message(MANIFEST.timestamp, (time) => {
    time.integer(1, Math.floor(createdMs / 1000)).integer(2, (createdMs % 1000) * 1e6);
  });
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
