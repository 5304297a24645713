import { appendFile, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandOf, hashesByModule } from '../../workers/src/app/print-sources.ts';
import {
  ALL_STORAGE,
  hashOfSources,
  hashOfTree,
  type Storage,
  sourcesOf,
} from '../../workers/src/app/worker-sources.ts';
import { COMMANDS } from '../../workers/src/commands/index.ts';
import { isBucketName } from '../../workers/src/database/catalog/bucket-name.ts';
import { lanceflow, ROOT, run, temporaryFolder } from '../support/run.ts';
import { copyPipeline, NEXTFLOW } from './support/nextflow.ts';

const SCRIPT = `
workflow {
    def homes = [params.home, params.bare].collect { home -> java.nio.file.Path.of(home) }
    def places = [['s3://bucket/db', '/models/m'], ['/db'], ['/db', 's3://bucket/model']]
    def hashes = homes.collectMany { home -> places.collect { each -> WorkerSources.hashes(home, each) } }
    def names = params.names.tokenize(' ')
    println(groovy.json.JsonOutput.toJson([hashes: hashes, names: names.collect { name -> DatabaseUri.isBucket(name) }]))
}`;

const BUCKET_NAMES = [
  'bucket_00001',
  'a',
  '_a-b.c',
  'a..b',
  'a.',
  '.a',
  '-a',
  'a/b',
  'a'.repeat(100),
  'a'.repeat(101),
  'é',
];

describe('the hash of a worker', () => {
  test('and the rule for bucket names are the same in the pipeline and in the workers', async () => {
    const folder = await temporaryFolder();
    await symlink(join(ROOT, 'lib'), join(folder, 'lib'));
    await writeFile(join(folder, 'main.nf'), SCRIPT);
    const bare = await copyPipeline(join(folder, 'bare'), false);
    const args = ['--home', ROOT, '--bare', bare, '--names', BUCKET_NAMES.join(' ')];
    const { stdout } = await run(NEXTFLOW, ['run', 'main.nf', ...args], { cwd: folder });
    const answer = JSON.parse(/^\{.*\}$/m.exec(stdout)![0]) as { hashes: Record<string, string>[]; names: boolean[] };
    const [onS3, local, both, ...withoutNode] = answer.hashes;
    expect(onS3).toEqual(hashesByModule(ROOT, ['s3']));
    expect(local).toEqual(hashesByModule(ROOT, ['local']));
    expect(both).toEqual(hashesByModule(ROOT, ['local', 's3']));
    const modules = Object.keys(onS3!);
    expect(modules).toContain('search_bucket');
    for (const module of modules) expect(Object.keys(COMMANDS)).toContain(commandOf(module));
    for (const hashes of [onS3!, local!, both!]) expect(new Set(Object.values(hashes)).size).toBe(modules.length);
    for (const hashes of withoutNode)
      expect(hashes).toEqual(Object.fromEntries(modules.map((module) => [module, hashOfTree(bare)])));
    expect(hashOfTree(bare)).toBe(hashOfTree(ROOT));
    expect(answer.names).toEqual(BUCKET_NAMES.map(isBucketName));
  });

  test('covers the files that a command imports', () => {
    const files = (command: string) => sourcesOf(command).map((file) => relative(join(ROOT, 'workers/src'), file));
    const ingest = files('ingest-bucket');
    for (const file of [
      'database/catalog/bucket-plan.ts',
      'shard/shard-reader.ts',
      'database/catalog/bucket-name.json',
    ])
      expect(ingest).toContain(file);
    expect(ingest).not.toContain('cli.ts');
    expect(files('merge-hits')).not.toContain('database/catalog/bucket-plan.ts');
  });

  test('changes with a file that a command imports, and with no other', async () => {
    const home = await copyPipeline(await temporaryFolder(), false);
    const [search, pack, tree] = [
      hashOfSources('search-bucket', home),
      hashOfSources('pack-buckets', home),
      hashOfTree(home),
    ];
    expect(search).toBe(hashOfSources('search-bucket'));
    await appendFile(join(home, 'workers/src/search/engine/nearest.ts'), '// changed\n');
    expect(hashOfSources('search-bucket', home)).not.toBe(search);
    expect(hashOfSources('pack-buckets', home)).toBe(pack);
    expect(hashOfTree(home)).not.toBe(tree);
  });

  test.each([
    ['s3/retry.ts', ['local'], ['s3'], ['search-bucket', 'ingest-bucket', 'embed-sequences']],
    ['database/s3/s3-publisher.ts', ['local'], ['s3'], ['search-bucket', 'ingest-bucket', 'index-bucket']],
    ['database/local/local-publisher.ts', ['s3'], ['local'], ['search-bucket', 'ingest-bucket', 'index-bucket']],
    ['database/local/local-locks.ts', ['s3'], ['local'], ['search-bucket', 'pack-buckets', 'fetch-queries']],
  ] as const)('does not change with %s where only %s storage is used', async (file, without, using, commands) => {
    const home = await copyPipeline(await temporaryFolder(), false);
    const hashes = (storage: readonly Storage[]) => commands.map((command) => hashOfSources(command, home, storage));
    const before = [hashes(without), hashes(using), hashes(ALL_STORAGE)];
    await appendFile(join(home, 'workers/src', file), '// changed\n');
    expect(hashes(without)).toEqual(before[0]);
    for (const [i, hash] of hashes(using).entries()) expect(hash).not.toBe(before[1]![i]);
    for (const [i, hash] of hashes(ALL_STORAGE).entries()) expect(hash).not.toBe(before[2]![i]);
  });

  test('covers everything except code that only the other kind of storage needs', () => {
    const files = (storage: readonly Storage[]) =>
      sourcesOf('search-bucket', ROOT, storage).map((file) => relative(join(ROOT, 'workers/src'), file));
    const [local, onS3, both] = [files(['local']), files(['s3']), files(ALL_STORAGE)];
    // Both fetch into, or build in, a local folder.
    for (const file of ['database/node/folder-reader.ts', 'database/node/node-cache.ts'])
      for (const closure of [local, onS3]) expect(closure).toContain(file);
    expect(new Set([...local, ...onS3])).toEqual(new Set(both));
    expect(local.filter((file) => /^(database\/)?s3\//.test(file))).toEqual([]);
    expect(onS3.filter((file) => file.startsWith('database/local/'))).toEqual([]);
  });

  test('in a container must equal the pipeline’s', async () => {
    const argv = ['catalog', '--database', await temporaryFolder()];
    const inContainer = (LANCEFLOW_WORKER: string) =>
      lanceflow(argv, { env: { ...process.env, LANCEFLOW_HOME: ROOT, LANCEFLOW_WORKER } });
    const wrong = await inContainer('0'.repeat(32));
    expect(wrong).toMatchObject({ code: 64, stdout: '' });
    expect(wrong.stderr).toMatch(
      /^lanceflow catalog: the worker in this container differs from .* Build the image .*\n$/,
    );
    const used: Storage[][] = [['local'], ['s3'], ['local', 's3']];
    for (const hash of [...used.map((storage) => hashOfSources('catalog', ROOT, storage)), hashOfTree(ROOT)])
      expect((await inContainer(hash)).stderr).not.toContain('container');
  });
});
