import { readFile } from 'node:fs/promises';
import { defineCommand } from '../../app/command.ts';
import { databaseOption } from '../../app/shared-options.ts';
import { UsageError } from '../../base/errors.ts';
import { counted } from '../../base/text/counted.ts';
import { parsePlan } from '../../database/catalog/bucket-plan.ts';
import { deleteReplaced } from '../../upkeep/delete-sources.ts';
import { withReplacements } from '../../upkeep/replacement.ts';

export const command = defineCommand({
  describe:
    'Deletes the rows of earlier versions of changed files, which pack-buckets --replace planned, once all buckets of the plan are ' +
    'indexed. Can be run again after a kill.',
  options: {
    database: databaseOption,
    plan: { type: 'string', demandOption: true, describe: 'Bucket plan of pack-buckets --replace (JSON)' },
    input: {
      type: 'array',
      string: true,
      demandOption: true,
      describe: 'Shards (HDF5) or their descriptions, in the order of pack-buckets',
    },
  },
  examples: [
    ['delete-replaced --database /data/proteins --plan plan.json --input a.h5', 'Delete the rows of an earlier a.h5'],
  ],

  async run(args, context) {
    const plan = parsePlan(await readFile(args.plan, 'utf8'), args.plan);
    const { replaced } = plan;
    if (!replaced) return { rows: 0, bytes: 0, buckets: {} };
    if (replaced.kept.some((position) => position >= args.input.length))
      throw new UsageError(
        `--input names ${counted(args.input.length, 'file')}, fewer than pack-buckets got for ${args.plan}.`,
      );
    const deleted = await withReplacements(args.database, undefined, (database, lost) =>
      deleteReplaced(database, plan, replaced, args.input, lost, context),
    );
    const rows = [...deleted.values()].reduce((sum, count) => sum + count, 0);
    return { rows, bytes: 0, buckets: Object.fromEntries(deleted) };
  },

  summary: ({ rows, buckets }) =>
    `delete-replaced: ${counted(rows, 'row')} in ${counted(Object.keys(buckets).length, 'bucket')}`,
});
