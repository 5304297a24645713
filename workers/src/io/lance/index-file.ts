import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readFields } from '../../core/protobuf.ts';

const FOOTER_BYTES = 40;
/** Fields of the messages that are read: protos/file2.proto and protos/index.proto of the Lance project. */
const FIELD = { schema: 1, metadata: 5, lengths: 3 };

/**
 * How many partitions a table's only index has, by its own file. (A query's plan tells it too, but rounded from a thousand on.)
 * @param folder `.../<bucket>.lance`
 */
export async function readPartitionCount(folder: string): Promise<number> {
  const [index] = await readdir(join(folder, '_indices'));
  const file = await open(join(folder, '_indices', index ?? '', 'index.idx'));
  try {
    const { size } = await file.stat();
    const read = async (position: number, length: number) =>
      (await file.read(new Uint8Array(length), 0, length, position)).buffer;
    const footer = viewOf(await read(size - FOOTER_BYTES, FOOTER_BYTES));
    const tables = Number(footer.getBigUint64(16, true));
    const globals = viewOf(await read(tables, 16 * footer.getUint32(24, true)));
    const buffer = (i: number) =>
      read(Number(globals.getBigUint64(16 * i, true)), Number(globals.getBigUint64(16 * i + 8, true)));
    const partitions = readFields(await buffer(Number(metadataOf(await buffer(0), 'lance:ivf'))));
    const lengths = partitions.filter(({ field }) => field === FIELD.lengths);
    // Each number of a packed list ends with a byte below 128.
    return lengths.reduce(
      (count, { bytes }) => count + bytes.reduce((ends, byte) => ends + (byte < 128 ? 1 : 0), 0),
      0,
    );
  } finally {
    await file.close();
  }
}

/** A value of the metadata in a file's descriptor. */
function metadataOf(descriptor: Uint8Array, key: string): string | undefined {
  const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
  const schema = readFields(descriptor).find(({ field }) => field === FIELD.schema);
  for (const { field, bytes } of schema ? readFields(schema.bytes) : []) {
    if (field !== FIELD.metadata) continue;
    const entry = readFields(bytes);
    if (text(entry.find((part) => part.field === 1)?.bytes) === key)
      return text(entry.find((part) => part.field === 2)?.bytes);
  }
  return undefined;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
