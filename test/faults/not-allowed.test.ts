import { chmod, cp, mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildDatabase } from '../support/database.ts';
import { expectRefusalHere } from '../support/refusal.ts';
import { lanceflow, sharedFolder } from '../support/run.ts';
import { QUICK_INDEX } from '../support/search.ts';
import { randomRows, writeShard } from '../support/shards.ts';

/** A user other than root, who may read everything: the user of the tests, or nobody. */
const NOBODY =
  process.getuid?.() === 0 ? { uid: 65534, gid: 65534, env: { ...process.env, HOME: '/nonexistent' } } : {};

describe('an unreadable part of a database is not reported as missing or damaged', () => {
  let folder = '';
  let database = '';
  let queries = '';

  beforeAll(async () => {
    folder = await sharedFolder();
    await chmod(folder, 0o777);
    const shard = await writeShard(join(folder, 's.h5'), randomRows(1, 1200, 16), { model: 'm' });
    ({ database } = await buildDatabase(folder, [shard], { index: QUICK_INDEX }));
    queries = await writeShard(join(folder, 'queries.h5'), randomRows(2, 5, 16, 'q'), { model: 'm' });
  });

  const argv = (search: string) => [
    ...['search-bucket', '--bucket', 'bucket_00001', '--database', database, '--queries', queries],
    ...['--search', search, '--output', join(folder, `${search}.parquet`)],
  ];

  /** The files and folders of a database that a search reads. */
  const places = async (): Promise<string[]> => {
    const [partitions] = await readdir(join(database, '_partitions'));
    const inTable = async (name: string) =>
      `bucket_00001.lance/${name}/${(await readdir(join(database, 'bucket_00001.lance', name)))[0]}`;
    return [
      '_catalog',
      '_catalog/bucket_00001.json',
      '_partitions',
      `_partitions/${partitions}`,
      'bucket_00001.lance',
      await inTable('_versions'),
      await inTable('data'),
    ];
  };

  it('a cycle of symbolic links', async () => {
    for (const place of await places()) {
      const path = join(database, place);
      await cp(path, join(folder, 'kept'), { recursive: true });
      await rm(path, { recursive: true });
      await symlink(path, path);
      for (const search of ['auto', 'exact'])
        await expectRefusalHere(argv(search), 65, /Symbolic links form a loop/, new RegExp(place));
      await expectRefusalHere(['verify', '--database', database], 65, /Symbolic links form a loop/);
      await rm(path);
      await cp(join(folder, 'kept'), path, { recursive: true });
      await rm(join(folder, 'kept'), { recursive: true });
    }
  });

  it('a file or folder that only its owner may read', async () => {
    await mkdir(join(folder, 'out'));
    await chmod(join(folder, 'out'), 0o777);
    // Each takes a process: a file, a folder, and a part that `auto` does not need.
    for (const place of (await places()).filter((_, i) => [1, 3, 4].includes(i))) {
      const path = join(database, place);
      await chmod(path, 0o000);
      const args = argv('auto').with(-1, join(folder, 'out', 'hits.parquet'));
      const { code, stderr } = await lanceflow(args, { ...NOBODY });
      await chmod(path, place.includes('.') && !place.endsWith('.lance') ? 0o644 : 0o755);
      expect({ place, code, stderr }).toEqual({
        place,
        code: 65,
        stderr: expect.stringContaining('Permission denied'),
      });
      expect(stderr).not.toMatch(/missing|damaged|no buckets|Build/);
    }
  });
});
