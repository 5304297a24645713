import type { CommandContext } from '../app/command.ts';
import { columnBytes, columnLength } from '../base/bytes/utf8-column.ts';
import { mapAhead } from '../base/concurrency/map-ahead.ts';
import { quoteId } from '../base/text/quote.ts';
import type { DuplicateIds } from '../ids/duplicate-ids.ts';
import type { Place } from '../ids/id-table.ts';
import type { Keep } from '../shard/columns/keep.ts';
import { type DescribedShard, describeShard, type IdBlock } from '../shard/description-file.ts';
import { openDescription, readShardDescription } from '../shard/open-description.ts';
import { openShard } from '../shard/shard-reader.ts';
import { duplicatedId, type IdPlace } from './pack-messages.ts';

/** Number of descriptions whose start is read before the ids of the one before are compared. */
const OPENED_AHEAD = 32;

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
    const shared = shareAttributes();
    for await (const description of mapAhead(inputs, OPENED_AHEAD, ({ path }) => openDescription(path))) {
      const source = shards.length;
      const { path, name } = inputs[source]!;
      const addIds = async ({ start, ids }: IdBlock) => {
        const duplicate = seen.add(ids, source, start);
        if (!duplicate) return;
        const [first, second] = [await findId(inputs, duplicate.first), await findId(inputs, duplicate.second)];
        throw duplicatedId(second.id, second, first);
      };
      const shard = description
        ? await readShardDescription(description, addIds)
        : await describeShard(path, addIds, { keep });
      shards.push({ ...shard, path: name ?? shard.path, attributes: shared(shard.attributes) });
      bar.add(1);
    }
    return shards;
  } finally {
    bar.stop();
  }
}

/** Returns a function that returns the attributes of the shard before where they are equal: a hundred thousand shards keep one object. */
function shareAttributes(): (attributes: DescribedShard['attributes']) => DescribedShard['attributes'] {
  let last: DescribedShard['attributes'] = {};
  let lastKey = '';
  return (attributes) => {
    // As texts, because JSON has no NaN.
    const key = JSON.stringify(Object.entries(attributes).map(([name, value]) => [name, typeof value, String(value)]));
    if (key !== lastKey) [last, lastKey] = [attributes, key];
    return last;
  };
}

/** Reads the id of one row of an input again, and the input's name, because only hashes of ids were kept. */
export async function findId(inputs: readonly PackInput[], { source, row }: Place): Promise<IdPlace & { id: string }> {
  const { path, name } = inputs[source]!;
  const description = await openDescription(path);
  if (description) {
    let id = new Uint8Array();
    const described = await readShardDescription(description, ({ start, ids }) => {
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
