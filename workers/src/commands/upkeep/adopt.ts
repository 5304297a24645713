import { defineCommand } from '../../app/command.ts';
import { databaseOption } from '../../app/shared-options.ts';
import { DataError } from '../../base/errors.ts';
import { counted } from '../../base/text/counted.ts';
import { checkBucketName } from '../../database/catalog/bucket-name.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import { describeChange } from '../../database/table-change.ts';
import { readTableState } from '../../database/table-state.ts';
import { rebuildGroups, rebuildOptions } from '../../upkeep/rebuild-groups.ts';
import { nothingToAdopt } from '../../upkeep/upkeep-messages.ts';

export const command = defineCommand({
  describe:
    'Takes the rows that another LanceDB client added, deleted or updated in a table into the database: writes the newest version of the ' +
    'table as a new bucket, with order, partitions and index, which replaces the old one. Can be run again after a kill.',
  options: {
    database: databaseOption,
    bucket: { type: 'string', demandOption: true, describe: 'Bucket whose table was changed' },
    ...rebuildOptions,
  },
  examples: [['adopt --database /data/proteins --bucket bucket_00001', 'Search what Python wrote']],

  async run(args, context) {
    const bucket = checkBucketName(args.bucket);
    let entry: CatalogEntry | undefined;
    const { made, ...sums } = await rebuildGroups(
      args,
      async (database) => {
        entry = await database.requireEntry(bucket);
        const state = await readTableState(database.tables, entry);
        if (state.kind === 'missing') throw new DataError(describeChange(database.uri, entry, state)!);
        // Its newest version.
        const isAdopted = state.kind !== 'newer' && state.kind !== 'compacted';
        if (state.kind !== 'same') return [{ buckets: [bucket], open: () => database.tables.open(bucket), isAdopted }];
        context.log(nothingToAdopt(bucket));
        return [];
      },
      context,
    );
    const [one] = made;
    if (one) return { ...sums, bucket: one.bucket, replaced: bucket };
    return { rows: entry!.rows, bytes: entry!.bytes, bucket, replaced: undefined };
  },

  summary: ({ bucket, rows, replaced }) =>
    replaced === undefined
      ? `adopt: ${bucket} has ${counted(rows, 'vector')}, as in the catalog`
      : `adopt: ${bucket} has the ${counted(rows, 'vector')} of ${replaced}`,
});
