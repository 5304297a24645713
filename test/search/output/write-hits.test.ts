import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type OpenBucket, openBucket } from '../../../workers/src/bucket/open-bucket.ts';
import { Database } from '../../../workers/src/database/database.ts';
import { scoreTable, withScoreThreads } from '../../../workers/src/search/engine/score-table.ts';
import { withHitSink } from '../../../workers/src/search/output/hit-sink.ts';
import { writeRankedHits } from '../../../workers/src/search/output/write-hits.ts';
import type { QuerySet } from '../../../workers/src/search/queries/queries.ts';
import { writeNearest } from '../../../workers/src/search/search-block.ts';
import { measureBackgrounds } from '../../../workers/src/vectors/significance/query-chances.ts';
import { buildDatabase } from '../../support/database.ts';
import { temporaryFolder } from '../../support/run.ts';
import { randomRows, writeShard } from '../../support/shards.ts';

const SILENT = { add() {}, stop() {} };
const ROWS = 3000;
const DIMENSION = 16;

/** A table with many ties, and queries; some of them are rows, and some share a vector. */
async function built(folder: string): Promise<{ bucket: OpenBucket; queries: QuerySet; vectorOf: Int32Array }> {
  const rows = randomRows(1, ROWS, DIMENSION);
  for (let row = 1; row < 700; row++) rows.vectors.copyWithin(row * DIMENSION, 0, DIMENSION);
  rows.ids = rows.ids.map((_, row) => `p${(row * 7919) % 104_729}`);
  const { database: uri } = await buildDatabase(folder, [await writeShard(join(folder, 'a.h5'), rows)], {
    ingest: ['--metric', 'l2'],
  });
  const database = await Database.open(uri);
  const bucket = await openBucket(database, await database.requireEntry('bucket_00001'));
  const ids = rows.ids.slice(0, 900).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const vectors = new Float32Array(600 * DIMENSION);
  for (let query = 0; query < 600; query++) {
    const row = rows.ids.indexOf(ids[query]!);
    vectors.set(rows.vectors.subarray(row * DIMENSION, (row + 1) * DIMENSION), query * DIMENSION);
  }
  // Every third query has the vector of an earlier one.
  const vectorOf = Int32Array.from({ length: 900 }, (_, i) =>
    i % 3 === 2 ? Math.floor(i / 6) : i - Math.floor(i / 3),
  );
  return { bucket, queries: { count: 900, vectors, id: (query) => Buffer.from(ids[query]!) }, vectorOf };
}

describe('writeRankedHits', () => {
  it('writes the bytes that one thread writes, in batches of any size', async () => {
    const folder = await temporaryFolder();
    const { bucket, queries, vectorOf } = await built(folder);
    const spans = [{ first: 0, end: ROWS }];
    const { nullDistances, metric, dimension } = bucket.entry;
    const chances = await measureBackgrounds(nullDistances!, metric, queries.vectors, dimension, 600);
    for (const filter of [
      { k: 60, excludeSelf: false, maxDistance: Number.POSITIVE_INFINITY },
      { k: 60, excludeSelf: true, maxDistance: 3 },
      { k: 1, excludeSelf: true, maxDistance: -1 },
    ]) {
      const metadata = { 'lanceflow.k': `${filter.k}` };
      const k = filter.k + (filter.excludeSelf ? 1 : 0);
      const vectors = { count: 600, vectors: queries.vectors };
      const output = (name: string) => ({ path: join(folder, name), metadata, filter, hasPValues: true });
      const one = await scoreTable(bucket, vectors, spans, k, SILENT);
      const alone = await withHitSink(output('one'), bucket.entry.bucket, (sink) =>
        writeNearest(bucket, { queries, vectorOf, nearest: one, chances }, sink),
      );
      for (const mostIds of [undefined, 60 * 100]) {
        const written = await withScoreThreads(bucket.entry, async (threads) => {
          const nearest = await scoreTable(bucket, vectors, spans, k, SILENT, threads);
          const found = { queries, vectorOf, nearest, chances };
          return writeRankedHits(bucket, bucket.entry.fragments!, found, threads, output('several'), mostIds);
        });
        expect(written).toEqual(alone);
        expect((await readFile(join(folder, 'several'))).equals(await readFile(join(folder, 'one')))).toBe(true);
      }
    }
    bucket.table.close();
  });
});
