import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDescription } from '../../workers/src/shard/open-description.ts';
import { lanceflow, run, temporaryFolder } from '../support/run.ts';

test('a pipe that nobody writes to is refused, without waiting for it', async () => {
  const folder = await temporaryFolder();
  const pipe = join(folder, 'pipe');
  await run('mkfifo', [pipe]);
  expect(await openDescription(pipe)).toBeUndefined();
  const { code, stderr } = await lanceflow(['pack-buckets', '--input', pipe, '--output', 'plan.json'], { cwd: folder });
  expect(code).toBe(65);
  expect(stderr).toContain(pipe);
});
