import { defineCommand } from '../../app/command.ts';
import { databaseOption } from '../../app/shared-options.ts';
import { DataError } from '../../base/errors.ts';
import { counted } from '../../base/text/counted.ts';
import { quoteValue } from '../../base/text/quote.ts';
import { withBucketLock } from '../../database/bucket-lock.ts';
import { Database } from '../../database/database.ts';
import { noBuckets } from '../../database/database-messages.ts';
import { WantedIds } from '../../ids/wanted-ids.ts';
import { deleteRows } from '../../upkeep/delete-rows.ts';
import { readIdFile } from '../../upkeep/read-ids.ts';
import { idsNotFound } from '../../upkeep/upkeep-messages.ts';

/** A warning names at most this many ids. */
const MAX_NAMED = 20;

export const command = defineCommand({
  describe:
    'Deletes all rows with the given ids from a database. Searches skip them from then on; compact also removes them from the ' +
    'files. Ids that the database does not have are listed. Can be run again after a kill.',
  options: {
    database: databaseOption,
    ids: {
      type: 'string',
      demandOption: true,
      describe: 'Ids to delete: one per line, a .csv with a column "id", or a FASTA file',
    },
  },
  examples: [['delete --database /data/proteins --ids withdrawn.txt', 'Delete withdrawn samples']],

  async run(args, { progress, warn }) {
    const ids = await readIdFile(args.ids);
    const wanted = new WantedIds(ids);
    const database = await Database.open(args.database);
    await database.requireExists();
    const entries = await database.entries();
    if (entries.length === 0) throw new DataError(noBuckets(database.uri));
    const total = entries.reduce((sum, { rows }) => sum + rows, 0);
    const bar = progress('finding ids', total, 'ids');
    const buckets: Record<string, number> = {};
    try {
      const listed = new Set<string>();
      // Another process may merge buckets meanwhile.
      for (let left = entries; left.length > 0; ) {
        for (const { bucket } of left) listed.add(bucket);
        for (const { bucket } of left) {
          const deleted = await withBucketLock(database, bucket, (lost) =>
            deleteRows(database, bucket, listed, wanted, lost, bar),
          );
          if (deleted > 0) buckets[bucket] = deleted;
        }
        left = (await database.entries()).filter(({ bucket }) => !listed.has(bucket));
      }
    } finally {
      bar.stop();
    }
    const missing = wanted.missing(wanted.missingCount);
    const names = missing.slice(0, MAX_NAMED).map(quoteValue);
    if (missing.length > 0) warn(idsNotFound(args.ids, database.uri, names, missing.length, ids.length));
    const rows = Object.values(buckets).reduce((sum, count) => sum + count, 0);
    return { rows, bytes: 0, buckets, missing };
  },

  summary: ({ rows, buckets }) =>
    `delete: ${counted(rows, 'row')} in ${counted(Object.keys(buckets).length, 'bucket')}`,
});
