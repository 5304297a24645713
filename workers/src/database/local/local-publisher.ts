import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { removeStale } from '../../base/files/temporary.ts';
import { returnIfMissing } from '../../base/missing-files.ts';
import { placeFile, publishTable } from '../../lance/table-files.ts';
import { isPartitionFile } from '../partitions.ts';
import type { IngestedTable, TablePublisher } from '../table-publisher.ts';

/**
 * Publishes tables by moving their files into the database's folder, or by copying them from another file system.
 * @param scratch folder in which tables are built
 */
export function localPublisher(root: string, scratch: string): TablePublisher {
  const at = (bucket: string) => join(root, `${bucket}.lance`);
  return {
    // Moving files takes no time.
    publishEarly: async (_table, use) => ({ result: await use(() => {}), files: [] }),
    async publishRows({ bucket, folder, partitions }) {
      await publishTable(folder, at(bucket));
      await publishPartitions(root, bucket, partitions);
      return {};
    },
    publishIndex: ({ bucket, folder }) => publishTable(folder, at(bucket)),
    removeLeftovers: (bucket) => removeStale(join(scratch, bucket)),
    async remove(bucket) {
      await rm(at(bucket), { recursive: true, force: true });
      await publishPartitions(root, bucket, undefined);
      await removeStale(join(root, bucket));
    },
    async contents() {
      const names = await readdir(root);
      return {
        tables: names.filter((name) => name.endsWith('.lance')),
        leftovers: names
          .filter((name) => /^\..*\.tmp$/.test(name))
          .map((name) => `${name} is a temporary folder of a build that runs or was killed`),
      };
    },
  };
}

/** Moves the partition file into the database and removes the partition files of earlier builds of the bucket. */
async function publishPartitions(root: string, bucket: string, partitions: IngestedTable['partitions']): Promise<void> {
  if (partitions) await placeFile(partitions.file, join(root, partitions.path));
  const folder = join(root, '_partitions');
  const current = partitions && basename(partitions.path);
  for (const name of await readdir(folder).catch(returnIfMissing([])))
    if (name !== current && isPartitionFile(name, bucket)) await rm(join(folder, name), { force: true });
}
