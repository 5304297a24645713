import { createHash } from 'node:crypto';
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, check } from './support/checks.ts';

const SHARD = 'vectors of a';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const OPTIONS = { model: 'model', pooling: 'mean', vector_type: 'float32' };

describe('the embedding cache', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lanceflow-test-'));
  const at = (...path: string[]) => join(folder, ...path);
  let answers: Record<string, Answer> = {};

  /** Writes the outputs of a task. */
  async function task(name: string, shard: string): Promise<string> {
    await mkdir(at(name));
    await writeFile(at(name, 'a.h5'), shard);
    await writeFile(at(name, 'a.description'), '{}');
    await writeFile(at(name, 'a.json'), JSON.stringify({ shardHash: sha256(shard) }));
    return at(name);
  }

  const embedder = (options: object, ...files: string[]) => ({
    check: 'embedder',
    options,
    files: files.map((f) => at(f)),
  });
  const keep = (root: string, ...tasks: string[]) => ({ check: 'keep', root: at(root), fasta: at('a.fasta'), tasks });
  const find = (root: string, ...files: string[]) => ({
    check: 'find',
    root: at(root),
    files: files.map((f) => at(f)),
  });
  /** Path of a file of the entry of a.fasta, without the embedder. */
  const inEntry = (root: string, embedderKey: string, name: string) =>
    at(root, embedderKey, sha256('>a\nMKV\n').slice(0, 32), name);
  const pathsOf = (root: string, embedderKey: string) =>
    ['a.h5', 'a.description', 'a.json'].map((name) => inEntry(root, embedderKey, name));

  // Of kmer, as in checks.nf: needed to name the files of an entry before it exists.
  const kmer = sha256(
    JSON.stringify({ version: 1, options: { model: 'kmer', vector_type: 'float32' }, model: [] }),
  ).slice(0, 32);

  beforeAll(async () => {
    await writeFile(at('a.fasta'), '>a\nMKV\n');
    await writeFile(at('copy.fasta'), '>a\nMKV\n');
    await writeFile(at('other.fasta'), '>a\nMKI\n');
    for (const [name, weights] of [
      ['one', '1'],
      ['moved', '1'],
      ['two', '2'],
    ] as const) {
      await mkdir(at(name));
      await writeFile(at(name, 'config.json'), '{}');
      await writeFile(at(name, 'model.safetensors'), weights);
    }
    const files = (name: string) => [`${name}/config.json`, `${name}/model.safetensors`];
    // Left by a run that was killed.
    const left = at('cache', kmer, `.${sha256('>a\nMKV\n').slice(0, 32)}.0.tmp`);
    await mkdir(left, { recursive: true });
    await writeFile(join(left, 'a.h5'), SHARD.slice(0, 3));
    const many: string[] = [];
    for (let i = 0; i < 8; i++) many.push(await task(`many${i}`, `vectors ${i}`));
    const [first, second, third, fourth] = [
      await task('first', SHARD),
      await task('second', 'vectors of another machine'),
      await task('third', SHARD),
      await task('fourth', SHARD),
    ];
    await task('skipped-task', SHARD);
    await writeFile(at('skipped-task/a.csv'), 'file,record,id,reason\n"/in/a, b.fasta",2,x,no residues\n');
    await task('linked-task', SHARD);
    await mkdir(at('linked'));
    for (const name of ['a.h5', 'a.description', 'a.json']) await symlink(at('linked-task', name), at('linked', name));
    await symlink('/dev', at('mounted'));
    const change = async (name: string, changed: string, text: string) => {
      for (const file of ['fasta', 'model']) await writeFile(at(`${name}.${file}`), 'same');
      return {
        ...{ check: 'change', root: at('changing', name), task: await task(name, SHARD) },
        ...{ fasta: at(`${name}.fasta`), model: at(`${name}.model`), changed: at(`${name}.${changed}`), text },
      };
    };
    const damage = (name: string, text: string, same_time = false) => ({
      ...{ check: 'overwrite', path: inEntry('cache', kmer, name), text, same_time },
    });
    answers = await check(
      {
        base: embedder(OPTIONS, ...files('one')),
        moved: embedder(OPTIONS, ...files('moved').reverse()),
        reordered: embedder(
          { vector_type: 'float32', pooling: 'mean', model: 'model', cache: 'folder' },
          ...files('one'),
        ),
        defaults: embedder({ model: 'model', pooling: 'mean' }, ...files('one')),
        weights: embedder(OPTIONS, ...files('two')),
        pooling: embedder({ ...OPTIONS, pooling: 'cls' }, ...files('one')),
        half: embedder({ ...OPTIONS, vector_type: 'float16' }, ...files('one')),

        empty: find('cache', 'a.fasta'),
        kept: keep('cache', first),
        found: find('cache', 'a.fasta', 'copy.fasta', 'other.fasta'),
        keptAgain: keep('cache', second),
        // A copy of the cache has other times: the content counts.
        touched: damage('a.h5', SHARD),
        foundTouched: find('cache', 'a.fasta'),
        changed: damage('a.h5', 'Vectors of a'),
        foundChanged: find('cache', 'a.fasta'),
        keptThird: keep('cache', third),
        shorter: damage('a.description', '{', true),
        foundShorter: find('cache', 'a.fasta'),
        keptFourth: keep('cache', fourth),
        noList: damage('entry.json', 'x'),
        foundNoList: find('cache', 'a.fasta'),
        manyKept: keep('many', ...many),
        keptSkipped: keep('skipped', at('skipped-task')),
        foundSkipped: find('skipped', 'a.fasta'),
        foundStrict: { ...find('skipped', 'a.fasta'), strict: true },
        foundStrictFull: { ...find('many', 'a.fasta'), strict: true },
        skippedTable: {
          ...{ check: 'skipped', outdir: at('results') },
          tables: [
            ['/in/a "new" name.fasta', at('skipped-task/a.csv')],
            ['/in/z.fasta', at('skipped-task/a.csv')],
          ],
        },
        keptLinked: keep('of-links', at('linked')),
        changedFile: await change('c1', 'fasta', 'other'),
        changedModel: await change('c2', 'model', 'other'),
        touchedFile: await change('c3', 'fasta', 'same'),
        beside: { check: 'place', work: at('one') },
        mounted: { check: 'place', work: at('mounted') },
        unreadable: find('cache', 'missing.fasta'),
        notAFolder: keep('a.fasta', many[0]!),
      },
      folder,
    );
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('names an embedder by what determines its vectors', () => {
    const value = (name: string) => answers[name]?.value;
    for (const same of ['moved', 'reordered', 'defaults']) expect(value(same), same).toBe(value('base'));
    const distinct = ['base', 'weights', 'pooling', 'half'].map(value);
    expect(new Set(distinct).size).toBe(4);
  });

  test('finds a file by content, whatever its name', () => {
    expect(answers.empty?.value).toEqual([null]);
    const entry = pathsOf('cache', kmer);
    expect(answers.kept?.value).toEqual([entry]);
    expect(answers.found?.value).toEqual([entry, entry, null]);
  });

  test('stores vectors once: the outputs of the tasks are links, also of a task that was late', async () => {
    const entry = pathsOf('cache', kmer);
    expect(answers.keptAgain?.value).toEqual([entry]);
    for (const name of ['first', 'second']) expect((await lstat(at(name, 'a.h5'))).isSymbolicLink(), name).toBe(true);
  });

  test('uses an entry after its times changed, and replaces a damaged one', () => {
    const entry = pathsOf('cache', kmer);
    expect(answers.foundTouched?.value).toEqual([entry]);
    expect(answers.foundChanged?.value).toEqual([null]);
    expect(answers.keptThird?.value).toEqual([entry]);
    expect(answers.foundShorter?.value).toEqual([null]);
    expect(answers.keptFourth?.value).toEqual([entry]);
    expect(answers.foundNoList?.value).toEqual([null]);
  });

  test('many runs at once make one complete entry', async () => {
    const entry = pathsOf('many', kmer);
    expect(answers.manyKept?.value).toEqual([entry]);
    expect(await readdir(at('many', kmer))).toHaveLength(1);
    const { shardHash } = JSON.parse(await readFile(entry[2]!, 'utf8')) as { shardHash: string };
    expect(sha256(await readFile(entry[0]!, 'utf8'))).toBe(shardHash);
    for (let i = 0; i < 8; i++) expect((await stat(at(`many${i}/a.h5`))).ino).toBe((await stat(entry[0]!)).ino);
  });

  test('keeps the list of skipped records, which --strict refuses', () => {
    const entry = [...pathsOf('skipped', kmer), inEntry('skipped', kmer, 'a.csv')];
    expect(answers.keptSkipped?.value).toEqual([entry]);
    expect(answers.foundSkipped?.value).toEqual([entry]);
    expect(answers.foundStrict?.value).toEqual([null]);
    expect(answers.foundStrictFull?.value).toEqual([pathsOf('many', kmer)]);
  });

  test('lists skipped records under the name of this run', () => {
    const rows = ['"/in/a ""new"" name.fasta",2,x,no residues', '/in/z.fasta,2,x,no residues'];
    expect(answers.skippedTable?.value).toBe(`file,record,id,reason\n${rows.join('\n')}\n`);
  });

  test('keeps files, not the links by which another cache replaced them', async () => {
    expect(answers.keptLinked?.value).toEqual([pathsOf('of-links', kmer)]);
    expect((await lstat(inEntry('of-links', kmer, 'a.h5'))).isFile()).toBe(true);
  });

  test('does not keep the embeddings of a file, or a model, that was changed meanwhile', () => {
    // [the outputs are where the task wrote them, the file is found]
    expect(answers.changedFile).toEqual({ value: [true, false] });
    expect(answers.changedModel).toEqual({ value: [true, false] });
    expect(answers.touchedFile).toEqual({ value: [false, true] });
  });

  test('is beside the work folder, or inside if that is on another file system', () => {
    expect(answers.beside?.value).toBe(at('embeddings'));
    expect(answers.mounted?.value).toBe(at('mounted/embeddings'));
  });

  test('does not stop a run where it cannot be used', () => {
    expect(answers.unreadable).toEqual({ value: [null] });
    expect(answers.notAFolder?.error).toBeUndefined();
  });
});
