import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runHere } from '../support/command.ts';
import { buildDatabase } from '../support/database.ts';
import { expectRefusalHere } from '../support/refusal.ts';
import { temporaryFolder } from '../support/run.ts';
import { randomRows, writeShard } from '../support/shards.ts';

test('plan-search divides all queries, and reports problems with them', async () => {
  const folder = await temporaryFolder();
  const { database } = await buildDatabase(folder, [await writeShard(join(folder, 'a.h5'), randomRows(1, 60, 8))]);
  const files = [
    await writeShard(join(folder, 'q1.h5'), randomRows(2, 7, 8, 'q')),
    await writeShard(join(folder, 'q2.h5'), randomRows(3, 4, 8, 'r')),
  ];
  const output = join(folder, 'parts.json');
  const command = (queries: string[], ...options: string[]) => [
    ...['plan-search', '--queries', ...queries, '--database', database, '--output', output, ...options],
  ];
  expect(await runHere(command(files))).toMatchObject({ rows: 11, parts: 1 });
  expect(JSON.parse(await readFile(output, 'utf8')).parts).toEqual([{ first: 0, end: 11 }]);
  expect(await runHere(command(files, '--queries-per-task', '4'))).toMatchObject({ parts: 3 });
  const parts = [0, 3, 7].map((first, i) => ({ first, end: [3, 7, 11][i] }));
  expect(JSON.parse(await readFile(output, 'utf8'))).toEqual({ version: 1, queries: 11, parts });

  await expectRefusalHere(command(files, '--queries-per-task', '0'), 64, /--queries-per-task must be/);
  await expectRefusalHere(command([files[0]!, files[0]!]), 65, /duplicated query id "q0"/);
  const other = await writeShard(join(folder, 'other.h5'), randomRows(2, 7, 9, 'q'));
  await expectRefusalHere(command([other]), 65, /query vectors of 9 components, but bucket_00001 has 8/);
  const away = command(files).map((word) => (word === database ? join(folder, 'none') : word));
  await expectRefusalHere(away, 65, /no buckets in this database/);
});
