import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineCommand } from '../../app/command.ts';
import { databaseOption } from '../../app/shared-options.ts';
import { DataError } from '../../base/errors.ts';
import { counted } from '../../base/text/counted.ts';
import { findMisplacedRows } from '../../bucket/partition-check.ts';
import { findDuplicateIds, findOrphans, readEntries, verifyBucket } from '../../bucket/verify-database.ts';
import { checkBucketName } from '../../database/catalog/bucket-name.ts';
import { Database } from '../../database/database.ts';
import { noBuckets } from '../../database/database-messages.ts';

export const command = defineCommand({
  describe:
    'Checks every table against its catalog entry (files, sizes, checksums, rows), finds duplicated ids and the leftovers of ' +
    'interrupted builds, and names the buckets to build again. Exits with 65 where the database is damaged.',
  options: {
    database: databaseOption,
    bucket: { type: 'array', string: true, describe: 'Check only these buckets' },
    ids: { type: 'boolean', default: true, describe: 'Find duplicated ids across all buckets. --no-ids skips this' },
    work: { type: 'string', default: tmpdir(), describe: 'Folder for temporary files' },
  },
  examples: [['verify --database /data/proteins', 'Check the whole database']],

  async run(args, { progress, log, warn }) {
    const database = await Database.open(args.database);
    const wanted = args.bucket?.map((name) => checkBucketName(name));
    const { entries, problems } = wanted
      ? { entries: await Promise.all(wanted.map((name) => database.requireEntry(name))), problems: [] }
      : await readEntries(database);
    if (entries.length + problems.length === 0) throw new DataError(noBuckets(database.uri));
    const total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
    const bar = progress('verifying', total, 'bytes');
    const warnings: string[] = [];
    for (const entry of entries) {
      const found = await verifyBucket(database, entry, { progress: bar, log });
      problems.push(...found);
      const misplaced = found.length === 0 ? await findMisplacedRows(database, entry) : undefined;
      if (misplaced !== undefined) warnings.push(misplaced);
    }
    bar.stop();
    for (const warning of warnings) warn(`verify: ${warning}.`);
    if (args.ids && problems.length === 0)
      problems.push(...(await findDuplicateIds(database, entries, join(args.work, 'lanceflow-verify'))));
    const orphans = wanted ? [] : await findOrphans(database);
    for (const orphan of orphans) warn(`verify: ${orphan}`);
    if (problems.length > 0) {
      const list = problems.map((problem) => `  ${problem}`).join('\n');
      throw new DataError(
        `${database.uri}: ${counted(problems.length, 'problem')}:\n${list}\nBuild the named buckets again.`,
      );
    }
    const rows = entries.reduce((sum, entry) => sum + entry.rows, 0);
    return { rows, bytes: total, buckets: entries.length, orphans, warnings };
  },

  summary: ({ buckets, rows, bytes, warnings }) => {
    const { length } = warnings;
    const rest = length > 0 ? `, ${length} to build again` : '';
    return `verify: ${counted(buckets, 'bucket')}, ${counted(rows, 'vector')}, ${(bytes / 1e6).toFixed(1)} MB: all match the catalog${rest}`;
  },
});
