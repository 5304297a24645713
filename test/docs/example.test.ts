import { cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { copyPipeline, pipeline } from '../pipeline/support/nextflow.ts';
import { ROOT, run, temporaryFolder } from '../support/run.ts';
import { parseBlocks, readDocument } from './support/markdown.ts';

/** A pipeline with the example's process only. */
const MAIN = `
include { COUNT_VECTORS } from './modules/count_vectors/main.nf'
workflow { COUNT_VECTORS(channel.of(['bucket_00001', 'stub']), 'database', 'worker').count.view() }`;

test('the example stage of CONTRIBUTING.md compiles, and its process runs', async () => {
  const clone = await copyPipeline(join(await temporaryFolder(), 'lanceflow'), true);
  const blocks = parseBlocks('CONTRIBUTING.md', await readDocument('CONTRIBUTING.md'));
  const files = blocks.flatMap(({ comment, text }) => {
    const path = /^file: (.+)$/.exec(comment)?.[1];
    return path ? [{ path, text }] : [];
  });
  expect(files.map(({ path }) => path)).toEqual([
    'workers/src/commands/count-vectors.ts',
    'modules/count_vectors/main.nf',
  ]);
  for (const { path, text } of files) {
    await mkdir(dirname(join(clone, path)), { recursive: true });
    await writeFile(join(clone, path), `${text}\n`);
  }

  for (const name of ['tsconfig.json', 'biome.json']) await cp(join(ROOT, name), join(clone, name));
  const bin = join(ROOT, 'node_modules/.bin');
  const types = await run(join(bin, 'tsc'), ['-p', '.'], { cwd: clone });
  expect(types.stdout + types.stderr).toBe('');
  const biome = ['check', '--vcs-enabled=false', 'workers/src/commands/count-vectors.ts'];
  const lint = await run(join(bin, 'biome'), biome, { cwd: clone });
  expect(lint.code, lint.stdout + lint.stderr).toBe(0);

  const command = `
    const { command } = await import('./workers/src/commands/count-vectors.ts');
    await command.run({ bucket: 'bucket_00001', database: 'nothing', output: 'count.json' }).catch((error) => console.log(error.exitCode));`;
  const ran = await run(join(bin, 'node'), ['--input-type=module', '-e', command], { cwd: clone });
  expect(ran.stdout, ran.stderr).toBe('65\n');

  await writeFile(join(clone, 'main.nf'), MAIN);
  const { stdout } = await pipeline(['-stub-run'], clone, clone);
  expect(stdout).toContain('bucket_00001.count.json');
});
