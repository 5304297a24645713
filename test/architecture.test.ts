import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, normalize, relative } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { importsOf } from '../workers/src/app/worker-sources.ts';
import { ROOT } from './support/run.ts';

const SOURCES = join(ROOT, 'workers/src');

/** Layers from top to bottom. Functions of Lambda, upkeep and evaluate run several stages, as commands do. A folder imports folders of lower layers, and later ones of its own layer; stages do not import stages. */
const TOP = [
  'cli.ts',
  'completion.ts',
  'cli-messages.ts',
  'parse-arguments.ts',
  'commands',
  'cloud/lambda',
  'upkeep',
  'evaluate',
];
const STAGES = [
  'embed',
  'import',
  'pack',
  'ingest',
  'index',
  'search',
  'merge',
  'fetch',
  'align',
  'report',
  'watch',
  'cloud',
];
const SHARED = ['forecast', 'bucket', 'database', 'shard', 'fasta', 'hits', 'lance', 'run'];
const GROUND = ['ids', 'vectors', 'onnx', 's3', 'app', 'base'];
const ROOMS = [...TOP, ...STAGES, ...SHARED, ...GROUND];

/** Folders that may load an engine; all others may only import its types. */
const OWNERS: [engine: RegExp, owners: string[]][] = [
  [/^@lancedb\/lancedb/, ['lance']],
  [/^h5wasm/, ['shard']],
  [/^parquet-wasm/, ['hits', 'import']],
  [/^onnxruntime-node/, ['onnx']],
  [/^yargs/, ['completion.ts', 'parse-arguments.ts']],
  [/^(@aws-sdk|@smithy)\//, ['s3', 'cloud', 'database/s3']],
  [/^@aws-lambda-powertools\//, ['cloud/lambda']],
];

/** Folders and files of pure code, which uses no file system, network, threads or engine. */
const PURE = [
  'align/local',
  'base/bytes/float16.ts',
  'base/bytes/key-index.ts',
  'base/bytes/murmur3.ts',
  'base/bytes/partition-of.ts',
  'base/bytes/protobuf.ts',
  'base/bytes/shared-array.ts',
  'base/bytes/utf8-column.ts',
  'base/text/byte-size.ts',
  'base/text/counted.ts',
  'base/text/document.ts',
  'base/text/format-dollars.ts',
  'base/text/format-table.ts',
  'base/text/json-text.ts',
  'base/text/nearest-name.ts',
  'base/text/printable.ts',
  'base/text/progress-text.ts',
  'base/text/quote.ts',
  'base/random.ts',
  'base/s3-location.ts',
  'base/wasm',
  'bucket/fragment-blocks.ts',
  'bucket/row-bits.ts',
  'bucket/uneven-partitions.ts',
  'cloud/launch/campaign.ts',
  'database/catalog',
  'database/node/plan-fetch.ts',
  'embed/kmer/kmer.ts',
  'evaluate/grid.ts',
  'evaluate/labels/family-judge.ts',
  'evaluate/labels/family-sums.ts',
  'evaluate/labels/parse-labels.ts',
  'fasta/batch-ids.ts',
  'fasta/fasta-batch.ts',
  'fasta/fasta-parser.ts',
  'fasta/line-ends.ts',
  'fasta/sequence.ts',
  'forecast/model',
  'hits/heap.ts',
  'hits/hit-messages.ts',
  'hits/hit-order.ts',
  'hits/merge.ts',
  'hits/parquet/join-row-groups.ts',
  'hits/parquet/pages/thrift.ts',
  'hits/rank.ts',
  'index/code-layout.ts',
  'index/index-plan.ts',
  'index/rabitq.ts',
  'lance/format/deletions/add-deletions.ts',
  'lance/format/add-fragments.ts',
  'lance/format/add-index.ts',
  'lance/format/data-file-format.ts',
  'lance/format/file-format.ts',
  'lance/format/manifest-file.ts',
  'lance/format/roaring.ts',
  'lance/format/table-manifest.ts',
  'lance/format/text-page.ts',
  'lance/format/transaction.ts',
  'merge/merge-messages.ts',
  'merge/passes.ts',
  'onnx/graph-builder.ts',
  'onnx/quantize-weights.ts',
  'pack/packing.ts',
  'report/html.ts',
  'run',
  'search/engine/filters/filter-bounds.ts',
  'search/engine/filters/kernels.ts',
  'search/engine/block-schedule.ts',
  'search/engine/nearest-heaps.ts',
  'search/engine/nearest.ts',
  'search/plan/strategies.ts',
  'search/plan/cost.ts',
  'search/plan/needed-parts.ts',
  'search/plan/query-ranges.ts',
  'search/plan/strategies-before-fetch.ts',
  'search/plan/strategies.ts',
  'search/search-messages.ts',
  'shard/hdf5/chunk-index.ts',
  'vectors',
  'watch/watch-text.ts',
];
const IMPURE =
  /^(node:(fs|net|http|https|dns|tls|worker_threads|child_process|cluster)\b|@lancedb|h5wasm|parquet-wasm|onnxruntime|@aws-|@smithy|yargs)/;

/**
 * Code of one kind of storage, and the files outside that import it. They call it only for a database or a model in that storage, because
 * the hash of a stage includes this code only if a run uses it (app/worker-sources.ts).
 */
const STORAGE: [folders: string[], users: string[]][] = [
  [['database/local'], ['database/database.ts']],
  [
    ['database/s3', 's3'],
    [
      'database/database.ts',
      'embed/fetch-model.ts',
      'embed/kept/kept-on-s3.ts',
      'search/in-place/output/write-answer.ts',
      'cloud',
    ],
  ],
];

const MOST_FILES = 15;
/** Limit of a command: options, one call, a summary. */
const MOST_LINES = 80;

/** Text by path below workers/src. */
type Sources = ReadonlyMap<string, string>;

const roomOf = (path: string) => (path.startsWith('cloud/lambda/') ? 'cloud/lambda' : path.split('/')[0]!);

/** Imports of a source from workers/src, by their paths there. */
function importsIn(path: string, text: string): string[] {
  return importsOf(join(SOURCES, path), text).map((file) => relative(SOURCES, file));
}

/** Packages and Node.js modules that a source loads, without type imports. */
function loadedIn(text: string): string[] {
  const statements = text.matchAll(/^(?:import|export)\s(?!type\b)([^;]*?)from\s'([^'.][^']*)';/gm);
  const named = Array.from(statements)
    .filter(
      ([, names]) =>
        !/^\{[^}]*\}\s*$/.test(names!) || /[{,]\s*(?!type\s)\w/.test(names!.replace(/type\s+\w+(\s+as\s+\w+)?/g, '')),
    )
    .map(([, , name]) => name!);
  return [...named, ...Array.from(text.matchAll(/\bimport\(\s*'([^'.][^']*)'\s*\)/g), ([, name]) => name!)];
}

function wrongArrows(sources: Sources): string[] {
  const rank = (path: string) =>
    STAGES.includes(roomOf(path)) ? ROOMS.indexOf(STAGES[0]!) : ROOMS.indexOf(roomOf(path));
  return [...sources].flatMap(([from, text]) =>
    importsIn(from, text)
      .filter((to) => roomOf(to) !== roomOf(from) && rank(to) <= rank(from))
      .map((to) => `${from} imports ${to}`),
  );
}

const isIn = (path: string, folders: readonly string[]) =>
  folders.some((folder) => path === folder || path.startsWith(`${folder}/`));

/** Imports of the code of one kind of storage by sources that are not known to need it. */
function wrongStorage(sources: Sources): string[] {
  return STORAGE.flatMap(([folders, users]) =>
    [...sources]
      .filter(([from]) => !isIn(from, [...folders, ...users]))
      .flatMap(([from, text]) =>
        importsIn(from, text)
          .filter((to) => isIn(to, folders))
          .map((to) => `${from} imports ${to}`),
      ),
  );
}

function circles(sources: Sources): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, way: readonly string[]) => {
    if (way.includes(path)) found.push([...way.slice(way.indexOf(path)), path].join(' -> '));
    if (way.includes(path) || done.has(path)) return;
    for (const next of importsIn(path, sources.get(path) ?? '')) walk(next, [...way, path]);
    done.add(path);
  };
  for (const path of sources.keys()) walk(path, []);
  return found;
}

function wrongOwners(sources: Sources): string[] {
  return [...sources].flatMap(([path, text]) =>
    loadedIn(text).flatMap((name) => {
      const [, owners] = OWNERS.find(([engine]) => engine.test(name)) ?? [];
      return !owners || owners.some((owner) => path === owner || path.startsWith(`${owner}/`))
        ? []
        : [`${path} loads ${name}`];
    }),
  );
}

/** Pure sources that reach impure ones, with the chain of imports. */
function impure(sources: Sources): string[] {
  const reach = (path: string, seen: Set<string>): string[] => {
    if (seen.has(path)) return [];
    seen.add(path);
    const text = sources.get(path) ?? '';
    // Type imports reach nothing.
    const loaded = text.replace(/^import type [^;]*;$/gm, '');
    const own = loadedIn(loaded)
      .filter((name) => IMPURE.test(name))
      .map((name) => `${path} loads ${name}`);
    return [...own, ...importsIn(path, loaded).flatMap((next) => reach(next, seen))];
  };
  return [...sources.keys()]
    .filter((path) => PURE.some((one) => path === one || path.startsWith(`${one}/`)))
    .flatMap((path) => reach(path, new Set()).map((way) => `${path}: ${way}`));
}

function largeFolders(paths: Iterable<string>): string[] {
  const counts = new Map<string, number>();
  for (const path of paths) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  return [...counts].filter(([, count]) => count > MOST_FILES).map(([folder, count]) => `${folder}: ${count} files`);
}

function commonNames(paths: Iterable<string>): string[] {
  const names = new Map<string, string[]>();
  for (const path of paths) names.set(basename(path), [...(names.get(basename(path)) ?? []), path]);
  return [...names].filter(([name, all]) => all.length > 1 && name !== 'index.ts').map(([, all]) => all.join(', '));
}

describe('the tree of workers/src', () => {
  const sources = new Map<string, string>();
  const withImport = (path: string, imported: string) =>
    new Map(sources).set(path, `${sources.get(path)}\nimport { x } from '${imported}';\n`);
  beforeAll(async () => {
    for (const name of (await readdir(SOURCES, { recursive: true })).filter((file) => file.endsWith('.ts')))
      sources.set(normalize(name), await readFile(join(SOURCES, name), 'utf8'));
  });

  it('has only known folders', () => {
    expect([...new Set([...sources.keys()].map(roomOf))].sort()).toEqual([...ROOMS].sort());
    for (const path of PURE)
      expect(
        [...sources.keys()].some((one) => one === path || one.startsWith(`${path}/`)),
        path,
      ).toBe(true);
  });

  it('imports only downwards, including types, and no stage imports another', () => {
    expect(wrongArrows(sources)).toEqual([]);
    for (const [from, to] of [
      ['base/errors.ts', '../app/progress.ts'],
      ['lance/tables.ts', '../database/object-store.ts'],
      ['merge/passes.ts', '../search/run-search.ts'],
      ['index/build-index.ts', '../ingest/build-table.ts'],
    ] as const)
      expect(wrongArrows(withImport(from, to))).toHaveLength(1);
    const type = new Map(sources).set('base/errors.ts', "import type { X } from '../app/progress.ts';\n");
    expect(wrongArrows(type)).toEqual(['base/errors.ts imports app/progress.ts']);
  });

  it('has local and S3 code that is independent, and used in few places', () => {
    expect(wrongStorage(sources)).toEqual([]);
    for (const [from, to] of [
      ['database/s3/s3-reader.ts', '../local/local-store.ts'],
      ['database/local/local-locks.ts', '../s3/s3-store.ts'],
      ['search/run-search.ts', '../database/local/local-publisher.ts'],
      ['ingest/build-table.ts', '../s3/client.ts'],
    ] as const)
      expect(wrongStorage(withImport(from, to))).toHaveLength(1);
  });

  it('has no import cycles', () => {
    expect(circles(sources)).toEqual([]);
    expect(circles(withImport('base/errors.ts', './missing-files.ts'))).not.toEqual([]);
  });

  it('has one owner for each engine', () => {
    expect(wrongOwners(sources)).toEqual([]);
    expect(wrongOwners(withImport('search/engine/ann.ts', '@lancedb/lancedb'))).toHaveLength(1);
    const late = new Map(sources).set('merge/passes.ts', "await import('@aws-sdk/client-s3');\n");
    expect(wrongOwners(late)).toEqual(['merge/passes.ts loads @aws-sdk/client-s3']);
  });

  it('has pure code, which reaches no file, network, thread or engine', () => {
    expect(impure(sources)).toEqual([]);
    expect(impure(withImport('vectors/kmeans.ts', 'node:fs'))).not.toEqual([]);
    expect(impure(withImport('search/plan/cost.ts', '../../s3/transfer/upload.ts'))).not.toEqual([]);
  });

  it('has small folders and unique file names', () => {
    expect(largeFolders(sources.keys())).toEqual([]);
    expect(commonNames(sources.keys())).toEqual([]);
    const more = Array.from({ length: MOST_FILES }, (_, i) => `pack/more-${i}.ts`);
    expect(largeFolders([...sources.keys(), ...more])).toHaveLength(1);
    expect(commonNames([...sources.keys(), 'pack/errors.ts'])).toHaveLength(1);
  });

  it('has commands that only define options, call a stage and summarize', () => {
    const long = [...sources].filter(
      ([path, text]) =>
        roomOf(path) === 'commands' && path !== 'commands/index.ts' && text.split('\n').length > MOST_LINES + 1,
    );
    expect(long.map(([path]) => path)).toEqual([]);
  });

  it('has tests in folders of the same names', async () => {
    const tests = (await readdir(join(ROOT, 'test'), { recursive: true })).filter((file) => file.endsWith('.test.ts'));
    const folders = new Set([...sources.keys()].map((path) => dirname(path)));
    const rooms = tests.filter((path) => ROOMS.includes(roomOf(path)));
    expect(rooms.length).toBeGreaterThan(100);
    expect(rooms.map((path) => dirname(path)).filter((folder) => !folders.has(folder))).toEqual([]);
  });
});
