import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { missing, ROOT, run, temporaryFolder } from '../support/run.ts';

const PARSER = join(ROOT, '.tools/nextflow-lint');
const WHAT = "Nextflow's parser of the strict syntax (npm run setup:lint)";

/** Parses scripts and configurations by the strict syntax. @returns the problems */
async function lint(files: readonly string[]): Promise<string[]> {
  const options = ['-XX:TieredStopAtLevel=1', '-cp', `${PARSER}/*`, 'groovy.ui.GroovyMain'];
  const args = [join(ROOT, 'scripts/nextflow/lint/lint.groovy'), join(ROOT, 'lib'), ...files];
  const { stdout, stderr } = await run('java', [...options, ...args], { cwd: ROOT });
  if (stderr !== '') throw new Error(stderr);
  return stdout.split('\n').filter((line) => line !== '');
}

describe.skipIf(missing(existsSync(PARSER), WHAT))('the strict syntax of Nextflow 25.04', () => {
  test('accepts every script and every configuration, and refuses what it should', async () => {
    const git = ['ls-files', '--cached', '--others', '--exclude-standard', '*.nf', '*.config'];
    const files = (await run('git', git, { cwd: ROOT })).stdout.trimEnd().split('\n');
    for (const file of ['main.nf', 'workflows/search.nf', 'nextflow.config', 'conf/base.config'])
      expect(files).toContain(file);
    const folder = await temporaryFolder();
    const [script, config] = [join(folder, 'absent.nf'), join(folder, 'branch.config')];
    await writeFile(script, 'workflow {\n    println(Shell.quote(Absent.name))\n}\n');
    await writeFile(config, 'if (params.x) process.cpus = 2\n');
    expect(await lint([...files, script, config])).toEqual([
      `${script}:2:25: \`Absent\` is not defined`,
      `${config}:1:1: If statements cannot be mixed with config statements`,
    ]);
  });
});
