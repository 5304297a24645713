import { open, realpath, stat } from 'node:fs/promises';
import type { CommandContext, CommandResult } from '../app/command.ts';
import { columnLength } from '../base/bytes/utf8-column.ts';
import { writeAtomically } from '../base/files/write-atomically.ts';
import { findStats, returnIfMissing } from '../base/missing-files.ts';
import { writeShardDescription } from '../shard/description-file.ts';
import type { DatasetNames } from '../shard/layouts/find-layout.ts';
import { readBlocks, rowsPerBlock, toFloat32 } from '../shard/shard-blocks.ts';
import { missingShard } from '../shard/shard-messages.ts';
import { openShard } from '../shard/shard-reader.ts';
import { createShard } from '../shard/shard-writer.ts';
import * as messages from './import-messages.ts';
import { NPY_SIGNATURE } from './npy-header.ts';
import { idFileOf, openNpy } from './npy-source.ts';
import { openParquet, PARQUET_SIGNATURE } from './parquet-source.ts';
import { BLOCK_BYTES, type VectorSource } from './vector-source.ts';

const HDF5_SIGNATURE = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');

/** A file of vectors, and the shard to write. */
export interface ImportRequest {
  input: string;
  /** File of ids; for .npy. Default: beside it. */
  ids?: string | undefined;
  /** Names of the datasets; for HDF5. */
  named: DatasetNames;
  output: string;
  description?: string | undefined;
  name: string;
}

/** Writes the vectors of a file of another tool as a shard. @throws DataError for a file that cannot be read */
export async function importVectors(request: ImportRequest, context: CommandContext): Promise<CommandResult> {
  const { input, ids: idFile, output, description, name } = request;
  for (const path of [input, idFile]) if (path !== undefined) await requireOther(path, output);
  await using source = await openSource(request);
  const logNotes = () => source.notes.splice(0).forEach(context.log);
  logNotes();
  const { rows, dimension, vectorType, attributes } = source;
  const progress = context.progress('import-vectors', rows, 'vectors');
  await writeAtomically(output, async (temporary) => {
    const shard = await createShard(temporary, dimension, vectorType);
    try {
      for await (const { vectors, ids } of source.blocks()) {
        shard.append(vectors, ids);
        logNotes();
        progress.add(columnLength(ids));
      }
      if (shard.rows === 0) throw messages.noRows(input);
      shard.finish(attributes);
    } catch (error) {
      await shard.abandon();
      throw error;
    }
  }).finally(progress.stop);
  if (description !== undefined)
    await writeAtomically(description, (temporary) => writeShardDescription(output, name, temporary, context));
  return { rows, bytes: (await stat(output)).size };
}

/** @throws UsageError if the output would replace an input */
async function requireOther(path: string, output: string): Promise<void> {
  const [own, other] = await Promise.all(
    [path, output].map((each) => realpath(each).catch(returnIfMissing(undefined))),
  );
  if (own !== undefined && own === other) throw messages.isOutput(path);
}

async function openSource({ input, ids, named }: ImportRequest): Promise<VectorSource> {
  const start = await firstBytes(input);
  const isNpy = start.subarray(0, 6).equals(NPY_SIGNATURE);
  const isParquet = start.subarray(0, 4).equals(PARQUET_SIGNATURE);
  if (!isNpy && ids !== undefined) throw messages.idsOnlyForNpy(input);
  if ((isNpy || isParquet) && (named.embedding ?? named.id) !== undefined) throw messages.namesOnlyForHdf5(input);
  if (isNpy) return openNpy(input, ids ?? idFileOf(input));
  if (isParquet) return openParquet(input);
  if (!start.equals(HDF5_SIGNATURE)) throw messages.unknownKind(input);
  return openHdf5(input, named);
}

async function firstBytes(path: string): Promise<Buffer> {
  if (!(await findStats(path))?.isFile()) throw missingShard(path);
  await using file = await open(path, 'r');
  const start = Buffer.alloc(8);
  await file.read(start, 0, start.length, 0);
  return start;
}

async function openHdf5(path: string, named: DatasetNames): Promise<VectorSource> {
  const shard = await openShard(path, named);
  const { rows, dimension, vectorType, attributes } = shard;
  return {
    ...{ rows, dimension, vectorType, attributes, notes: [] },
    async *blocks() {
      for await (const block of readBlocks(shard, { blockRows: rowsPerBlock(shard, BLOCK_BYTES) }))
        yield { vectors: toFloat32(shard, block), ids: block.ids };
    },
    async [Symbol.asyncDispose]() {
      shard.close();
    },
  };
}
