import { createHash } from 'node:crypto';
import { readFields, readPacked } from '../../workers/src/base/bytes/protobuf.ts';

/** The content of a Lance file of format 2.0, without offsets: LanceDB writes the columns in the order in which they finish. */
export interface DataFileContent {
  /** The end of the footer: the version and "LANC". */
  version: string;
  descriptor: string;
  columns: Array<{
    encoding: string;
    /** Of each buffer, the hash. */
    pages: Array<{ rows: number; encoding: string; priority: number; buffers: string[] }>;
  }>;
}

const FOOTER_BYTES = 40;

/** Reads a Lance file by the format's specification (protos/file2.proto). */
export function readDataFile(file: Buffer): DataFileContent {
  const footer = file.subarray(-FOOTER_BYTES);
  const range = (at: bigint) => {
    const [offset, bytes] = [file.readBigUInt64LE(Number(at)), file.readBigUInt64LE(Number(at) + 8)];
    return file.subarray(Number(offset), Number(offset + bytes));
  };
  const columns = Array.from({ length: footer.readUInt32LE(28) }, (_, i) => {
    const metadata = readFields(range(footer.readBigUInt64LE(8) + BigInt(16 * i)));
    const pages = metadata.filter(({ field }) => field === 2).map(({ bytes }) => readPage(file, bytes));
    return { encoding: hex(metadata.find(({ field }) => field === 1)!.bytes), pages };
  });
  return {
    version: hex(footer.subarray(32)),
    descriptor: hex(range(footer.readBigUInt64LE(16))),
    columns,
  };
}

function readPage(file: Buffer, page: Uint8Array) {
  const fields = readFields(page);
  const find = (wanted: number) => fields.find(({ field }) => field === wanted);
  const sizes = readPacked(find(2)!.bytes);
  const buffers = readPacked(find(1)!.bytes).map((offset, i) => hash(file.subarray(offset, offset + sizes[i]!)));
  const [rows, priority] = [Number(find(3)!.integer), Number(find(5)?.integer ?? 0)];
  return { rows, encoding: hex(find(4)!.bytes), priority, buffers };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
