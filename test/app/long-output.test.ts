import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, run } from '../support/run.ts';

test('an answer that is longer than a pipe holds is written whole before the process ends', async () => {
  const terminal = join(ROOT, 'workers/src/app/terminal.ts');
  const code = `
    const { outputFailure, print, watchOutputs } = await import(${JSON.stringify(terminal)});
    watchOutputs();
    print('x'.repeat(1e6));
    process.exit((await outputFailure()) === undefined ? 0 : 1);`;
  const { code: exit, stdout } = await run(process.execPath, ['--input-type=module', '-e', code]);
  expect(exit).toBe(0);
  expect(stdout.length).toBe(1e6 + 1);
});
