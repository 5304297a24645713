import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type OpenBucket, openBucket } from '../../../workers/src/bucket/open-bucket.ts';
import { rankPartitions } from '../../../workers/src/bucket/rank-partitions.ts';
import { Database } from '../../../workers/src/database/database.ts';
import { lookupIds } from '../../../workers/src/lance/ids/lookup-ids.ts';
import type { NearestRows } from '../../../workers/src/search/engine/nearest.ts';
import { probedSpans } from '../../../workers/src/search/engine/probe.ts';
import { scoreTable } from '../../../workers/src/search/engine/score-table.ts';
import type { QuerySet } from '../../../workers/src/search/queries/queries.ts';
import { buildDatabase } from '../../support/database.ts';
import { bytewise } from '../../support/hits.ts';
import { temporaryFolder } from '../../support/run.ts';
import { type Rows, randomRows, writeShard } from '../../support/shards.ts';

const SILENT = { add() {}, stop() {} };

async function built(rows: Rows, ingest: readonly string[], vectorType = 'float32'): Promise<OpenBucket> {
  const folder = await temporaryFolder();
  const shard = await writeShard(join(folder, 'a.h5'), rows);
  const { database: uri } = await buildDatabase(folder, [shard], {
    ingest: [...ingest, '--vector-type', vectorType],
  });
  const database = await Database.open(uri);
  return openBucket(database, await database.requireEntry('bucket_00001'));
}

function queriesOf({ ids, vectors }: Rows): QuerySet {
  return { count: ids.length, vectors, id: (query) => Buffer.from(ids[query]!) };
}

const keptOf = (nearest: NearestRows) =>
  Array.from({ length: nearest.queryCount }, (_, query) => {
    const { distances, rows } = nearest.kept(query);
    return Array.from(rows, (row, i) => [row, distances[i]!] as const).sort((a, b) => a[0] - b[0]);
  });

describe('scoreTable', () => {
  it.each(['float32', 'float16'])('finds the same hits with every reader of the rows: %s', async (vectorType) => {
    const bucket = await built(randomRows(1, 3000, 32), ['--metric', 'l2'], vectorType);
    const queries = queriesOf(randomRows(2, 25, 32));
    const partitions = await bucket.partitions();
    const probes = await rankPartitions(queries, partitions, 'l2', 5);
    const { entry, database } = bucket;
    const { fragments: _, ...unknown } = entry;
    const ways: OpenBucket[] = [
      bucket, // the threads
      { ...bucket, database: database.withTables({ ...database.tables, folder: undefined }) }, // this process
      { ...bucket, entry: unknown }, // LanceDB
    ];
    for (const spans of [probedSpans(probes, partitions, 4), [{ first: 0, end: 3000 }]]) {
      const found = [];
      for (const way of ways) found.push(keptOf(await scoreTable(way, queries, spans, 4, SILENT)));
      expect(found[0]!.every((rows) => rows.length === 4)).toBe(true);
      expect(found[1]).toEqual(found[0]);
      expect(found[2]).toEqual(found[0]);
    }
    bucket.table.close();
  });

  it('does not remember millions of ties', async () => {
    const rows = randomRows(1, 6000, 16);
    for (let row = 1; row < 6000; row++) rows.vectors.copyWithin(row * 16, 0, 16);
    rows.ids = rows.ids.map((_, row) => `p${(row * 7919) % 104_729}`);
    const bucket = await built(rows, ['--metric', 'l2', '--order', 'none']);
    const nearest = await scoreTable(bucket, queriesOf(randomRows(2, 800, 16)), [{ first: 0, end: 6000 }], 3, SILENT);
    // The scan met 800 * 5,997 ties.
    expect(nearest.tieCount).toBeLessThanOrEqual(4_000_000);
    const { rows: kept, ties } = nearest.kept(799);
    const all = Float64Array.from([...kept, ...ties]);
    const { ids, position } = await lookupIds(bucket.table, all);
    const text = Array.from(all, (row) => {
      const at = position(row);
      return Buffer.from(ids.bytes.subarray(ids.offsets[at], ids.offsets[at + 1])).toString();
    });
    const least = rows.ids.sort(bytewise).slice(0, 3);
    expect(text).toEqual(expect.arrayContaining(least));
    bucket.table.close();
  });
});
