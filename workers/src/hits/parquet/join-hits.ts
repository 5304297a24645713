import { createNeighbourBuilder } from '../builder.ts';
import { HITS_ROW_GROUP, type HitColumns, hitRows, type NeighbourColumns, textBytes } from '../columns.ts';
import { P_VALUE } from '../evalues.ts';
import { readHits } from './hits-reader.ts';
import { writeHits } from './hits-writer.ts';

/** Writes the hits of several files into one. @param paths files with consecutive ranges of queries @param metadata key-value metadata of the file @param hasPValues whether the files have p-values */
export async function joinHits(
  paths: readonly string[],
  output: string,
  metadata: Record<string, string>,
  hasPValues: boolean,
): Promise<{ hits: number; bytes: number }> {
  let hits = 0;
  const counted = async function* () {
    for await (const batch of rebatched(allHits(paths, hasPValues), () => true, hasPValues)) {
      hits += hitRows(batch);
      yield batch;
    }
  };
  const bytes = await writeHits(output, counted(), metadata, hasPValues);
  return { hits, bytes };
}

/** Writes the hits of a file's wanted queries. @param wanted query ids, as latin1 of their bytes */
export function selectHits(
  path: string,
  output: string,
  metadata: Record<string, string>,
  wanted: ReadonlySet<string>,
): Promise<number> {
  const isWanted = ({ queryIds }: HitColumns, row: number) =>
    wanted.has(Buffer.from(textBytes(queryIds, row)).toString('latin1'));
  return writeHits(output, rebatched(readHits(path), isWanted), metadata);
}

async function* allHits(paths: readonly string[], hasPValues: boolean): AsyncGenerator<HitColumns> {
  for (const path of paths) yield* readHits(path, hasPValues);
}

/** Emits batches of equal size, so that the same hits produce the same bytes. */
async function* rebatched(
  batches: AsyncIterable<HitColumns>,
  isWanted: (hits: HitColumns, row: number) => boolean,
  hasPValues = false,
): AsyncGenerator<NeighbourColumns> {
  const output = createNeighbourBuilder(
    { rows: HITS_ROW_GROUP, bytes: Number.POSITIVE_INFINITY },
    hasPValues ? [P_VALUE] : [],
  );
  for await (const hits of batches)
    for (let row = 0; row < hitRows(hits); row++) {
      if (!isWanted(hits, row)) continue;
      output.push(hits, row, 0);
      if (output.full) yield output.take();
    }
  if (output.rows > 0) yield output.take();
}
