import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readFields, readPacked } from '../../base/bytes/protobuf.ts';
import { LanceFileReader } from './file-reader.ts';

/** A field of pb.IVF: protos/index.proto of the Lance project. */
const LENGTHS = 3;

/** Finds the folder of a table's only index. @param folder `.../<bucket>.lance` */
export async function indexFolder(folder: string): Promise<string> {
  const [index] = await readdir(join(folder, '_indices'));
  return join(folder, '_indices', index ?? '');
}

/**
 * Reads the partition count of a table's only index from its file. (LanceDB's query plan has it too, but rounded from 1,000 on.)
 * @param folder `.../<bucket>.lance`
 */
export async function readPartitionCount(folder: string): Promise<number> {
  const file = await LanceFileReader.open(join(await indexFolder(folder), 'index.idx'));
  try {
    const partitions = readFields(await file.globalBuffer(Number(file.metadata('lance:ivf'))));
    const lengths = partitions.filter(({ field }) => field === LENGTHS);
    return lengths.reduce((count, { bytes }) => count + readPacked(bytes).length, 0);
  } finally {
    await file.close();
  }
}
