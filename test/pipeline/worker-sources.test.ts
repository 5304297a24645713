import { appendFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hashOfSources } from '../../workers/src/app/worker-sources.ts';
import { lanceflow, ROOT, run, temporaryFolder } from '../support/run.ts';
import { copyPipeline, NEXTFLOW } from './support/nextflow.ts';

const SCRIPT = `
workflow {
    println groovy.json.JsonOutput.toJson(WorkerSources.hashes(java.nio.file.Path.of(params.home)))
}`;

describe('the hash of a worker', () => {
  test('is the same to the pipeline and to the worker', async () => {
    const folder = await temporaryFolder();
    await symlink(join(ROOT, 'lib'), join(folder, 'lib'));
    await writeFile(join(folder, 'main.nf'), SCRIPT);
    const { stdout } = await run(NEXTFLOW, ['run', 'main.nf', '--home', ROOT], { cwd: folder });
    const hashes = JSON.parse(/^\{.*\}$/m.exec(stdout)![0]) as Record<string, string>;
    expect(Object.keys(hashes)).toContain('search_bucket');
    for (const [name, hash] of Object.entries(hashes))
      expect(hashOfSources(name.replaceAll('_', '-')), name).toBe(hash);
    expect(new Set(Object.values(hashes)).size).toBe(Object.keys(hashes).length);
  });

  test('changes with a file that a command imports, and with no other', async () => {
    const home = await copyPipeline(await temporaryFolder(), false);
    const [search, pack] = [hashOfSources('search-bucket', home), hashOfSources('pack-buckets', home)];
    expect(search).toBe(hashOfSources('search-bucket'));
    await appendFile(join(home, 'workers/src/search/engine/nearest.ts'), '// changed\n');
    expect(hashOfSources('search-bucket', home)).not.toBe(search);
    expect(hashOfSources('pack-buckets', home)).toBe(pack);
  });

  test('in a container must be that of the pipeline', async () => {
    const argv = ['catalog', '--database', await temporaryFolder()];
    const inContainer = (LANCEFLOW_WORKER: string) =>
      lanceflow(argv, { env: { ...process.env, LANCEFLOW_HOME: ROOT, LANCEFLOW_WORKER } });
    const wrong = await inContainer('0'.repeat(32));
    expect(wrong).toMatchObject({ code: 64, stdout: '' });
    expect(wrong.stderr).toMatch(/^lanceflow catalog: the worker in this container is not .* Build the image .*\n$/);
    expect((await inContainer(hashOfSources('catalog'))).stderr).not.toContain('container');
  });
});
