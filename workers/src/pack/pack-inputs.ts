import { open } from 'node:fs/promises';
import type { CommandContext } from '../app/command.ts';
import { columnBytes, columnLength } from '../base/bytes/utf8-column.ts';
import { systemErrorCode } from '../base/errors.ts';
import { returnIfMissing } from '../base/missing-files.ts';
import { quoteId } from '../base/text/quote.ts';
import type { DuplicateIds } from '../ids/duplicate-ids.ts';
import type { Place } from '../ids/id-table.ts';
import type { Keep } from '../shard/columns/keep.ts';
import { type DescribedShard, describeShard, type IdBlock, readShardDescription } from '../shard/description-file.ts';
import { openShard } from '../shard/shard-reader.ts';
import { duplicatedId, type IdPlace } from './pack-messages.ts';

/** A shard or its description. */
export interface PackInput {
  path: string;
  /** Its name in messages and plans; default: the one in the description, or the path. */
  name: string | undefined;
  /** Columns that have one value in all its rows. */
  values?: Readonly<Record<string, string>> | undefined;
}

/** Pairs inputs with their names and values. @param names one for each input, or none @param values as for names */
export function namedInputs(
  paths: readonly string[],
  names: readonly string[] | undefined,
  values: ReadonlyArray<PackInput['values']> | undefined,
): PackInput[] {
  return paths.map((path, i) => ({ path, name: names?.[i], values: values?.[i] }));
}

/**
 * Reads every input, a shard or its description, once and adds its ids to `seen`.
 * @param keep columns of shards; a description has those that were kept when it was written
 * @throws DataError for a file that is not a shard or has no rows, and for a duplicated id
 */
export async function describeInputs(
  inputs: readonly PackInput[],
  seen: DuplicateIds,
  progress: CommandContext['progress'],
  keep: Keep,
): Promise<DescribedShard[]> {
  const bar = progress('reading shards', inputs.length, 'shards');
  try {
    const shards: DescribedShard[] = [];
    for (const [source, { path, name }] of inputs.entries()) {
      const addIds = async ({ start, ids }: IdBlock) => {
        const duplicate = seen.add(ids, source, start);
        if (!duplicate) return;
        const [first, second] = [await findId(inputs, duplicate.first), await findId(inputs, duplicate.second)];
        throw duplicatedId(second.id, second, first);
      };
      const isDescribed = await isDescription(path);
      const shard = isDescribed
        ? await readShardDescription(path, addIds)
        : await describeShard(path, addIds, { keep });
      shards.push({ ...shard, path: name ?? shard.path });
      bar.add(1);
    }
    return shards;
  } finally {
    bar.stop();
  }
}

/** Reads the id of one row of an input again, and the input's name, because only hashes of ids were kept. */
export async function findId(inputs: readonly PackInput[], { source, row }: Place): Promise<IdPlace & { id: string }> {
  const { path, name } = inputs[source]!;
  if (await isDescription(path)) {
    let id = new Uint8Array();
    const described = await readShardDescription(path, ({ start, ids }) => {
      if (row >= start && row < start + columnLength(ids)) id = columnBytes(ids, row - start).slice();
    });
    return { name: name ?? described.path, row, id: quoteId(id) };
  }
  const shard = await openShard(path);
  try {
    return { name: name ?? path, row, id: quoteId((await shard.readIds(row, 1)).bytes) };
  } finally {
    shard.close();
  }
}

/** Returns whether a file is a description, which begins with a brace. */
export async function isDescription(path: string): Promise<boolean> {
  // A missing file, or a folder, which can be opened but not read, is refused when it is opened as a shard.
  const file = await open(path, 'r').catch(returnIfMissing(undefined));
  try {
    const first = Buffer.alloc(1);
    await file?.read(first, 0, 1, 0).catch((error: unknown) => {
      if (systemErrorCode(error) !== 'EISDIR') throw error;
    });
    return first.toString() === '{';
  } finally {
    await file?.close();
  }
}
