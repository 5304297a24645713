import { chmod, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, run, temporaryFolder } from '../support/run.ts';

/** Creates a clone whose npm and Nextflow are stand-ins that record their calls. */
async function clone() {
  const home = await temporaryFolder();
  const npm = join(home, 'npm-cli.js');
  await cp(join(ROOT, 'scripts'), join(home, 'scripts'), { recursive: true });
  await mkdir(join(home, 'bin'));
  await writeFile(join(home, 'package-lock.json'), '{}');
  await writeFile(join(home, 'bin/nextflow'), '#!/bin/sh\necho "nextflow $LANCEFLOW_NEXTFLOW" >> calls\n');
  await chmod(join(home, 'bin/nextflow'), 0o755);
  const install = `const fs = require('node:fs');
fs.appendFileSync('calls', 'npm ' + process.argv[2] + ' ' + process.env.ONNXRUNTIME_NODE_INSTALL + '\\n');
fs.rmSync('node_modules', { recursive: true, force: true });
fs.mkdirSync('node_modules/.bin', { recursive: true });
fs.writeFileSync('node_modules/.bin/node', '#!/bin/sh\\necho v24.0.0\\n', { mode: 0o755 });`;
  await writeFile(npm, install);
  const setup = () =>
    run(process.execPath, [join(home, 'scripts/setup.mjs')], {
      cwd: '/',
      env: { ...process.env, npm_execpath: npm },
    });
  const calls = async () => {
    const text = await readFile(join(home, 'calls'), 'utf8').catch(() => '');
    await rm(join(home, 'calls'), { force: true });
    return text;
  };
  return { home, npm, install, setup, calls };
}

test('sets up once, and again when package-lock.json changes', async () => {
  const { home, setup, calls } = await clone();
  const first = await setup();
  expect(first.stderr).toContain('installing the packages');
  expect(first.code).toBe(0);
  expect(await calls()).toBe('npm ci skip\nnextflow prepare\n');

  const second = await setup();
  expect(second.stderr).toContain('nothing to do, everything is installed');
  expect(second.stdout).toBe('');
  expect(await calls()).toBe('nextflow prepare\n');

  await writeFile(join(home, 'package-lock.json'), '{"changed": true}');
  await setup();
  expect(await calls()).toBe('npm ci skip\nnextflow prepare\n');
});

test('an interrupted set-up is repeated', async () => {
  const { npm, install, setup, calls } = await clone();
  await writeFile(npm, `${install}\nprocess.exit(1);`);
  const failed = await setup();
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain('npm ci failed');
  await writeFile(npm, `${install.replace('v24', 'v20')}`);
  const old = await setup();
  expect(old.code).toBe(1);
  expect(old.stderr).toContain('npm did not install Node 24');
  await calls();

  await writeFile(npm, install);
  expect((await setup()).stderr).toContain('ready: npm packages');
  expect(await calls()).toBe('npm ci skip\nnextflow prepare\n');
});
