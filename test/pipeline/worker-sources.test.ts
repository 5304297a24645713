import { appendFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hashOfSources } from '../../workers/src/app/worker-sources.ts';
import { lanceflow, ROOT, run, temporaryFolder } from '../support/run.ts';
import { copyPipeline, NEXTFLOW } from './support/nextflow.ts';

const SCRIPT = `
workflow {
    def home = java.nio.file.Path.of(params.home)
    println groovy.json.JsonOutput.toJson([WorkerSources.hashes(home, true), WorkerSources.hashes(home, false)])
}`;

describe('the hash of a worker', () => {
  test('is the same to the pipeline and to the worker', async () => {
    const folder = await temporaryFolder();
    await symlink(join(ROOT, 'lib'), join(folder, 'lib'));
    await writeFile(join(folder, 'main.nf'), SCRIPT);
    const { stdout } = await run(NEXTFLOW, ['run', 'main.nf', '--home', ROOT], { cwd: folder });
    const [onS3, local] = JSON.parse(/^\[.*\]$/m.exec(stdout)![0]) as Record<string, string>[];
    expect(Object.keys(onS3!)).toContain('search_bucket');
    for (const [hashes, usesS3] of [
      [onS3!, true],
      [local!, false],
    ] as const) {
      for (const [name, hash] of Object.entries(hashes))
        expect(hashOfSources(name.replaceAll('_', '-'), ROOT, usesS3), name).toBe(hash);
      expect(new Set(Object.values(hashes)).size).toBe(Object.keys(hashes).length);
    }
  });

  test('changes with a file that a command imports, and with no other', async () => {
    const home = await copyPipeline(await temporaryFolder(), false);
    const [search, pack] = [hashOfSources('search-bucket', home), hashOfSources('pack-buckets', home)];
    expect(search).toBe(hashOfSources('search-bucket'));
    await appendFile(join(home, 'workers/src/search/engine/nearest.ts'), '// changed\n');
    expect(hashOfSources('search-bucket', home)).not.toBe(search);
    expect(hashOfSources('pack-buckets', home)).toBe(pack);
  });

  test('does not change with sources of S3 where neither database nor model is there', async () => {
    const home = await copyPipeline(await temporaryFolder(), false);
    for (const command of ['search-bucket', 'ingest-bucket', 'embed-sequences']) {
      const [local, onS3] = [hashOfSources(command, home, false), hashOfSources(command, home)];
      expect(local).not.toBe(onS3);
      await appendFile(join(home, 'workers/src/s3/retry.ts'), '// changed\n');
      expect(hashOfSources(command, home, false)).toBe(local);
      expect(hashOfSources(command, home)).not.toBe(onS3);
    }
  });

  test('in a container must be that of the pipeline', async () => {
    const argv = ['catalog', '--database', await temporaryFolder()];
    const inContainer = (LANCEFLOW_WORKER: string) =>
      lanceflow(argv, { env: { ...process.env, LANCEFLOW_HOME: ROOT, LANCEFLOW_WORKER } });
    const wrong = await inContainer('0'.repeat(32));
    expect(wrong).toMatchObject({ code: 64, stdout: '' });
    expect(wrong.stderr).toMatch(/^lanceflow catalog: the worker in this container is not .* Build the image .*\n$/);
    for (const usesS3 of [true, false])
      expect((await inContainer(hashOfSources('catalog', ROOT, usesS3))).stderr).not.toContain('container');
  });
});
