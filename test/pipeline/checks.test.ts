import { mkdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { columnFrom } from '../../workers/src/base/bytes/utf8-column.ts';
import { MAX_TEXT_BYTES } from '../../workers/src/base/limits.ts';
import { createShard } from '../../workers/src/shard/shard-writer.ts';
import { ROOT, temporaryFolder } from '../support/run.ts';
import { check, inputs, kinds, parameters, request, setup } from './support/checks.ts';

/** Creates a source of a bucket plan, with the fields that the pipeline reads. */
const source = (shard: number, rows: number, vectorType = 'float32') => ({ shard, rows, vectorType });

/** Names of files, with and without a kind. */
const NAMES = [
  'fa',
  'FASTA',
  'faa',
  'fa.gz',
  'fasta.ZST',
  'faa.bz2',
  'gz',
  'h5',
  'HDF5',
  'h5.gz',
  'csv',
  'npy',
  'parquet',
].map((ending) => `/data/a.b.${ending}`);

test('parameters and inputs are checked as the documentation says', async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  for (const name of ['empty', 'data', 'data/sub', 'db', "odd 'é$(x)"]) await mkdir(at(name));
  for (const [name, model, others] of [
    ['kmer', { model: 'kmer', model_hash: '1' }, {}],
    ['judged', { model: 'kmer', model_hash: '1' }, { nullDistances: {} }],
    ['esm', { model: 'ESM-2', model_hash: 'abc' }, {}],
    ['unnamed', {}, {}],
  ] as const) {
    await mkdir(at(`${name}/_catalog`), { recursive: true });
    await writeFile(at(`${name}/_catalog/b.json`), JSON.stringify({ fingerprint: 'f', model, ...others }));
  }
  for (const name of [
    'data/b.fasta',
    'data/a.faa.gz',
    'data/d.fa.zst',
    'data/c.H5',
    'data/notes.txt',
    'data/sub/b.fasta',
  ])
    await writeFile(at(name), '');
  await writeFile(at("odd 'é$(x)/[1]*.fa"), '');
  await writeFile(at('a-file'), '');
  const quoted = `"${at("odd 'é$(x)/[1]*.fa")}"`;
  await writeFile(at('sheet.csv'), `\uFEFFsample, path\r\none,data/b.fasta\r\n\r\n"t,wo",${quoted}\r\n`);
  await writeFile(at('column.csv'), 'file\nb.fasta\n');
  await writeFile(at('missing.csv'), 'path\ndata/b.fasta\ndata/nothing.fasta\n');
  await writeFile(at('twice.csv'), 'path\ndata/b.fasta\ndata/../data/b.fasta\n');
  await writeFile(at('none.csv'), 'path\n');
  await writeFile(at('taxa.csv'), 'path,taxon\ndata/b.fasta,Bacteria\n');
  await writeFile(at('shards.csv'), 'path,taxon\nrows.h5,Bacteria\n');
  const shard = await createShard(at('rows.h5'), 2, 'float32', [{ name: 'description', type: 'utf8' }]);
  shard.append(Float32Array.of(1, 2), columnFrom(['a']), { kept: [columnFrom(['first'])] });
  shard.finish({});

  const documents: Record<string, unknown> = {
    plan: {
      dimension: 8,
      buckets: [{ bucket: 'bucket_00001', rows: 5, sources: [source(1, 10), source(1, 10), source(0, 3, 'float16')] }],
    },
    planOfNothing: '{"buckets": [',
    planWithoutShard: { dimension: 8, buckets: [{ bucket: 'bucket_00001', rows: 5, sources: [source(2, 5)] }] },
    planWithoutRows: { dimension: 8, buckets: [{ bucket: 'bucket_00001', sources: [source(0, 5)] }] },
    planWithoutDimension: { buckets: [] },
    planOfPaths: { dimension: 8, buckets: [{ bucket: '../x', rows: 5, sources: [source(0, 5)] }] },
    parts: {
      queries: 7,
      parts: [
        { first: 0, end: 4 },
        { first: 4, end: 7 },
      ],
    },
    partsWithGap: {
      queries: 7,
      parts: [
        { first: 0, end: 4 },
        { first: 5, end: 7 },
      ],
    },
    partsThatEnd: { queries: 8, parts: [{ first: 0, end: 7 }] },
    partsOfText: { queries: 7, parts: [{ first: 0, end: '7; touch x' }] },
    noParts: '[]',
  };
  for (const [name, content] of Object.entries(documents))
    await writeFile(at(`${name}.json`), typeof content === 'string' ? content : JSON.stringify(content));
  for (const [name, entry] of [
    ['cut', '{"fingerprint": "f'],
    ['list', '["fingerprint"]'],
    ['number', '{"fingerprint": 5}'],
    ['modelText', '{"fingerprint": "f", "model": "m"}'],
  ] as const) {
    await mkdir(at(`${name}/_catalog`), { recursive: true });
    await writeFile(at(`${name}/_catalog/b.json`), entry);
  }

  // Installations: of nothing, of other versions, with the Node of another platform.
  const manifest = JSON.stringify({ dependencies: { node: '24.1.0', zod: '4.0.0', yargs: '18.0.0' } });
  for (const [home, versions] of Object.entries({
    bare: {},
    outdated: { node: '24.1.0', zod: '3.9.0' },
    foreign: { node: '24.1.0', zod: '4.0.0', yargs: '18.0.0' },
  })) {
    await mkdir(at(home));
    await writeFile(at(`${home}/package.json`), manifest);
    for (const [name, version] of Object.entries(versions)) {
      await mkdir(at(`${home}/node_modules/${name}`), { recursive: true });
      await writeFile(at(`${home}/node_modules/${name}/package.json`), JSON.stringify({ version }));
    }
  }
  await mkdir(at('damaged/node_modules/zod'), { recursive: true });
  await writeFile(at('damaged/package.json'), manifest.replace(/"node".*?,|,"yargs".*?(?=})/g, ''));
  await writeFile(at('damaged/node_modules/zod/package.json'), '{ "version": "4.');
  await mkdir(at('foreign/node_modules/.bin'));
  await writeFile(at('foreign/node_modules/.bin/node'), '\x7fELF of another machine', { mode: 0o755 });

  await writeFile(at('large.csv'), 'path\n');
  await truncate(at('large.csv'), MAX_TEXT_BYTES + 1);
  await mkdir(at('loop'));
  await symlink('_catalog', at('loop/_catalog'));

  const answers = await check(
    {
      kinds: kinds(NAMES),
      setup: setup(ROOT),
      bareSetup: setup(at('bare')),
      outdatedSetup: setup(at('outdated')),
      foreignSetup: setup(at('foreign')),
      damagedSetup: setup(at('damaged')),
      bidi: inputs('no\u202efile\x9b.fa'),
      sheetLarge: inputs(at('large.csv')),
      loopCatalog: request({ queries: at('data'), database: at('loop') }),
      cutEntry: request({ queries: at('data'), database: at('cut') }),
      listEntry: request({ queries: at('data'), database: at('list') }),
      numberEntry: request({ queries: at('data'), database: at('number') }),
      modelEntry: request({ queries: at('data'), database: at('modelText') }),
      plan: { check: 'plan', path: at('plan.json') },
      planOfNothing: { check: 'plan', path: at('planOfNothing.json') },
      planWithoutShard: { check: 'plan', path: at('planWithoutShard.json') },
      planOfPaths: { check: 'plan', path: at('planOfPaths.json') },
      planWithoutRows: { check: 'plan', path: at('planWithoutRows.json') },
      planWithoutDimension: { check: 'plan', path: at('planWithoutDimension.json') },
      parts: { check: 'parts', path: at('parts.json') },
      partsWithGap: { check: 'parts', path: at('partsWithGap.json') },
      partsThatEnd: { check: 'parts', path: at('partsThatEnd.json') },
      partsOfText: { check: 'parts', path: at('partsOfText.json') },
      noParts: { check: 'parts', path: at('noParts.json') },
      good: parameters({ k: 1, input: 2024, search: 'exact', nprobes: null, help: false }),
      unknown: parameters({ inptu: 'x', serch: 'ann', zzzzzz: 1 }),
      kebab: parameters({ 'bucket-size': 5, bucketSize: 5 }),
      types: parameters({ k: '10x', bucket_size: 1.5, help: 'maybe' }),
      budgets: parameters({ budget: 'cheap', plan_machine: 'my machine', plan_machines: 0 }),
      debt: parameters({ budget: -1 }),
      unplannedRun: request({ evaluate: true, database: at('db'), plan_only: true }),
      noPrices: request({ input: at('data'), database: at('db'), model: 'kmer', plan_prices: at('nothing.json') }),
      limits: parameters({ k: 0, nprobes: -1, index: 'hnsw', outdir: ' ' }),
      noValue: parameters({ k: true, input: true }),
      nothing: request({}),
      noDatabase: request({ input: at('data') }),
      noModel: request({ input: at('data'), database: at('db') }),
      wrongModel: request({ input: at('data'), database: at('db'), model: at('nothing') }),
      noConfig: request({ input: at('data'), database: at('db'), model: at('data') }),
      rankAlone: request({ queries: at('data'), database: at('kmer'), rank: 'alignment' }),
      alignNothing: request({ input: at('data'), database: at('db'), model: 'kmer', align: 5 }),
      alignIds: request({ query_ids: at('data/notes.txt'), database: at('kmer'), align: 5 }),
      alignWithoutKept: request({
        ...{ input: at('data'), queries: at('data'), database: at('db'), model: 'kmer' },
        ...{ keep: 'description', align: 5 },
      }),
      keepOfFasta: request({ input: at('data/b.fasta'), database: at('db'), model: 'kmer', keep: 'sequence,taxn' }),
      keepOfSheet: request({ input: at('taxa.csv'), database: at('db'), model: 'kmer', keep: 'sequence,taxn' }),
      keepOfShards: request({ input: at('shards.csv'), database: at('db'), keep: 'taxn,taxon' }),
      keepKnown: request({ input: at('shards.csv'), database: at('db'), keep: 'description,taxon' }),
      alignOldDatabase: request({ queries: at('data'), database: at('kmer'), align: 5 }),
      alignShards: request({ queries: at('rows.h5'), database: at('kmer'), align: 5 }),
      columnsOfFasta: request({
        input: at('data/b.fasta'),
        database: at('db'),
        model: 'kmer',
        columns: 'taxon,sequence',
      }),
      columnsOfShards: request({ input: at('shards.csv'), database: at('db'), columns: 'length' }),
      columnsKnown: request({ input: at('shards.csv'), database: at('db'), columns: 'description,taxon' }),
      fastaOfShards: request({ input: at('shards.csv'), database: at('db'), fasta: true }),
      replaceAndCheck: request({
        input: at('data'),
        model: 'kmer',
        database: at('db'),
        replace: true,
        check_ids: true,
      }),
      evalueOfCodes: request({ queries: at('data'), database: at('kmer'), max_evalue: 0.1, refine_factor: 0 }),
      evalueOfOldBucket: request({ queries: at('data'), database: at('kmer'), max_evalue: 0.1 }),
      evalueOfNewBucket: request({ queries: at('data'), database: at('judged'), max_evalue: 0.1 }),
      kmerOption: request({ input: at('data'), database: at('db'), model: 'kmer', pooling: 'cls' }),
      int8OnGpu: request({ input: at('data'), database: at('db'), model: 'm', precision: 'int8', device: 'cuda' }),
      cacheUri: request({ input: at('data'), database: at('db'), model: 'm', cache: 's3://b/c' }),
      cacheFile: request({ input: at('data'), database: at('db'), model: 'm', cache: at('a-file') }),
      shardsNeedNoModel: request({ input: at('data/c.H5'), database: at('new') }),
      relativeDatabase: request({ input: at('data'), database: 'some/../db', model: 'kmer' }),
      s3Database: request({ input: at('data'), database: 's3://bucket/prefix/', model: 'kmer' }),
      s3Typo: request({ input: at('data'), database: 's3:/bucket/prefix', model: 'kmer' }),
      relativeNvme: request({ input: at('data'), database: at('db'), model: 'kmer', nvme: 'scratch' }),
      relativeMonitoring: request({ input: at('data'), database: at('db'), model: 'kmer', monitoring: 'x' }),
      fileMonitoring: request({ input: at('data'), database: at('db'), model: 'kmer', monitoring: at('a-file') }),
      monitoringBelowFile: request({
        input: at('data'),
        database: at('db'),
        model: 'kmer',
        monitoring: at('a-file/below'),
      }),
      otherCloud: request({ input: at('data'), database: 'gs://bucket', model: 'kmer' }),
      fileDatabase: request({ input: at('data'), database: at('a-file'), model: 'kmer' }),
      emptyDatabase: request({ queries: at('data'), database: at('db'), model: 'kmer' }),
      ownModel: request({ queries: at('data'), database: at('kmer') }),
      otherModel: request({ queries: at('data'), database: at('esm') }),
      unnamedModel: request({ queries: at('data'), database: at('unnamed') }),
      newData: request({ input: at('data'), queries: at('data'), database: at('kmer') }),
      ids: request({ query_ids: at('data/notes.txt'), database: at('esm') }),
      noIds: request({ query_ids: at('nothing.txt'), database: at('esm') }),
      folder: inputs(at('data')),
      glob: inputs(at('{data,data/sub}/*.{fasta,gz}')),
      sheet: inputs(at('sheet.csv')),
      noFile: inputs(at('nothing.fasta')),
      noMatch: inputs(at('*.fasta')),
      emptyFolder: inputs(at('empty')),
      unknownKind: inputs(at('data/notes.txt')),
      noColumn: inputs(at('column.csv')),
      sheetMissing: inputs(at('missing.csv')),
      sheetTwice: inputs(at('twice.csv')),
      sheetEmpty: inputs(at('none.csv')),
    },
    folder,
  );

  const errors = Object.fromEntries(
    Object.entries(answers).flatMap(([name, { error }]) => (error === undefined ? [] : [[name, error]])),
  );
  const expected: Record<string, string[]> = {
    bidi: ['no such file or folder: no\\u202efile\\x9b.fa'],
    sheetLarge: [`large.csv: the samplesheet has more than ${MAX_TEXT_BYTES} bytes`],
    loopCatalog: [at('loop/_catalog'), 'cannot be read as a folder'],
    cutEntry: [at('cut/_catalog/b.json'), 'this catalog entry is damaged'],
    listEntry: ['this catalog entry is damaged: not a JSON object'],
    numberEntry: ['this catalog entry is damaged: "fingerprint" must be a text'],
    modelEntry: ['this catalog entry is damaged', '"model" an object'],
    planOfNothing: [
      at('planOfNothing.json'),
      'this bucket plan is damaged: not a JSON object. Run again without -resume.',
    ],
    planWithoutShard: ['this bucket plan is damaged: "shard" of a source of bucket_00001 is 2, but there are 2 shards'],
    planOfPaths: ['this bucket plan is damaged: "buckets" must be'],
    planWithoutRows: ['this bucket plan is damaged: "buckets" must be a list of buckets with name, rows and sources'],
    planWithoutDimension: ['this bucket plan is damaged: "dimension" must be a whole number from 1'],
    partsWithGap: ['this plan of a search is damaged: a part is', 'it must begin at query 4'],
    partsThatEnd: ['"queries" is 8, but its parts end at 7'],
    partsOfText: ['this plan of a search is damaged: a part is'],
    noParts: ['noParts.json: this plan of a search is damaged: not a JSON object'],
    unknown: ['Unknown parameter --inptu. Did you mean --input?', 'Did you mean --search?', '--zzzzzz.\n'],
    kebab: ['Unknown parameter --bucket-size. Did you mean --bucket_size?'],
    types: ["--k is '10x'; it needs a whole number from 1", '--bucket_size is 1.5', "--help is 'maybe'"],
    budgets: [
      "--budget is 'cheap'; it needs a number",
      '--plan_machine is',
      'the form i4i.8xlarge',
      '--plan_machines is 0',
    ],
    debt: ['--budget is -1; it needs a number from 0'],
    unplannedRun: ['--plan_only: --evaluate alone cannot be planned. Add --input, --queries or --query_ids'],
    noPrices: [`--plan_prices: no such file: ${at('nothing.json')}`],
    limits: ['--k is 0', '--nprobes is -1', "--index is 'hnsw'; it needs one of ivf-pq, ivf-rq", '--outdir is empty'],
    noValue: ['--k has no value', '--input has no value'],
    nothing: ['Nothing to do: pass --input'],
    noDatabase: ['--database is missing'],
    rankAlone: ['--rank alignment', 'pass --align as well'],
    alignNothing: ['--align', 'Pass --queries'],
    alignIds: ['--query_ids', 'Pass them as FASTA'],
    alignWithoutKept: ['--keep description', 'Add sequence to --keep'],
    keepOfFasta: ['--keep: no input has a column "taxn". The inputs have description, sequence.'],
    keepOfSheet: ['--keep: no input has a column "taxn". The inputs have description, sequence, taxon.'],
    keepOfShards: ['--keep: no input has a column "taxn". The inputs have taxon, description.'],
    alignOldDatabase: ['--align', 'no bucket of', 'has a column sequence'],
    alignShards: ['--align: the queries of', 'rows.h5 have no column sequence'],
    columnsOfFasta: [
      '--columns taxon: neither',
      'nor an input has this column. The columns are description, sequence.',
    ],
    columnsOfShards: ['--columns length: neither', 'The columns are description, taxon.'],
    fastaOfShards: ['--fasta: neither', 'nor an input has a column sequence (the columns: description, taxon)'],
    replaceAndCheck: ['--replace adds rows whose ids the database still has'],
    evalueOfCodes: ['--max_evalue: with --refine_factor 0, distances are estimates'],
    evalueOfOldBucket: [
      `--max_evalue: hits of b of ${at('kmer')} have no p-values`,
      `Run bin/lanceflow index-bucket --bucket b --database ${at('kmer')}, or`,
    ],
    noModel: ['--model is missing', 'a.faa.gz'],
    wrongModel: ['no such folder'],
    noConfig: ['no config.json in this folder'],
    kmerOption: ['--pooling is for language models'],
    int8OnGpu: ['--precision int8 is for --device cpu'],
    cacheUri: ['--cache s3://b/c: must be a folder'],
    cacheFile: ['a-file is a file; name a folder'],
    s3Typo: ['an address on S3 is written s3://bucket/path'],
    relativeNvme: ['--nvme scratch: it must be an absolute path'],
    relativeMonitoring: ['--monitoring x: it must be an absolute path'],
    fileMonitoring: ['a-file is a file; name a folder'],
    monitoringBelowFile: ['a-file/below: this folder cannot be created: '],
    otherCloud: ["'gs://' is not supported"],
    fileDatabase: ['is a file; name a folder'],
    emptyDatabase: [`--database ${at('db')}: there are no buckets`],
    otherModel: [`the vectors of ${at('esm')} are of the model ESM-2 (model_hash abc)`, 'Name its folder'],
    unnamedModel: ['--model is missing: it turns the sequences of', 'a.faa.gz'],
    newData: ['--model is missing: it turns the sequences of', 'a.faa.gz'],
    noIds: [`--query_ids: no such file: ${at('nothing.txt')}`],
    noFile: [`no such file or folder: ${at('nothing.fasta')}`],
    noMatch: ['no file matches'],
    emptyFolder: ['no file in the folder', '.fa .fasta .faa'],
    unknownKind: ['notes.txt is of no known kind'],
    noColumn: ["must name a column 'path'"],
    sheetMissing: ['missing.csv, line 3: no such file'],
    sheetTwice: ['data/b.fasta is listed 2 times'],
    sheetEmpty: ['lists no file'],
  };
  expect(Object.keys(errors).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, parts] of Object.entries(expected))
    for (const part of parts) expect(errors[name], name).toContain(part);

  // The camelCase twin that Nextflow adds is not reported.
  expect(errors.kebab).not.toContain('bucketSize');
  // A shard is copied whole and once, however many of its rows are in the bucket.
  const size = { rows: 5, dimension: 8, shard_bytes: (10 * 4 + 3 * 2) * 8 };
  expect(answers.plan.value).toEqual([['bucket_00001', size, ['two.h5', 'two.h5', 'one.h5']]]);
  expect(answers.parts.value).toEqual([
    ['.part_00001', '0:4'],
    ['.part_00002', '4:7'],
  ]);
  // A samplesheet that tools of nf-core check is one that the pipeline takes.
  const sheet = JSON.parse(await readFile(join(ROOT, 'assets/schema_input.json'), 'utf8'));
  expect(sheet.items.required).toEqual(['path']);
  const pattern = new RegExp(sheet.items.properties.path.pattern);
  expect(answers.kinds.value).toEqual(NAMES.map((name) => (pattern.test(name) ? expect.any(String) : null)));
  expect(answers.setup.value).toBe(null);
  expect(answers.bareSetup.value).toBe(`${at('bare')} has no node_modules`);
  expect(answers.outdatedSetup.value).toBe('zod is 3.9.0, not 4.0.0, yargs is not installed');
  expect(answers.foreignSetup.value).toBe(`${at('foreign/node_modules/.bin/node')} does not start on this machine`);
  expect(answers.damagedSetup.value).toBe('zod is damaged');
  expect(answers.s3Database.value).toBe('s3://bucket/prefix');
  expect(answers.relativeDatabase.value).toBe(at('db'));
  expect(answers.folder.value).toEqual([
    [at('data/a.faa.gz'), 'fasta'],
    [at('data/b.fasta'), 'fasta'],
    [at('data/c.H5'), 'shard'],
    [at('data/d.fa.zst'), 'fasta'],
  ]);
  expect(answers.glob.value).toEqual([
    [at('data/a.faa.gz'), 'fasta'],
    [at('data/b.fasta'), 'fasta'],
    [at('data/sub/b.fasta'), 'fasta'],
  ]);
  expect(answers.sheet.value).toEqual([
    [at('data/b.fasta'), 'fasta'],
    [at("odd 'é$(x)/[1]*.fa"), 'fasta'],
  ]);
});

test('the disk of a bucket follows from its plan', async () => {
  const size = { rows: 200e6, dimension: 960, shard_bytes: 768e9 };
  const layout = { order: 'partition', vector_type: 'float32' };
  const disk = { check: 'disk', size, layout, database: 's3://bucket/db', disk: 7500 };
  const answers = await check(
    {
      usual: disk,
      asTheyCome: { ...disk, layout: { order: 'none', vector_type: 'float16' } },
      folder: { ...disk, database: '/data/db', size: { ...size, shard_bytes: 0 } },
      // One shard of ten buckets.
      large: { ...disk, size: { ...size, shard_bytes: 7680e9 } },
      smallDisk: { ...disk, disk: 1900 },
    },
    await temporaryFolder(),
  );
  const needed = (name: keyof typeof answers) => (answers[name].value as [number, string | null])[0];
  const problem = (name: keyof typeof answers) => (answers[name].value as [number, string | null])[1];
  const ids = 200e6 * 32;
  expect(needed('usual')).toBe(3 * (768e9 + ids));
  expect(needed('asTheyCome')).toBe(768e9 + 384e9 + 2 * ids);
  // The table is built in the folder of the database.
  expect(needed('folder')).toBe(ids);
  expect([problem('usual'), problem('folder')]).toEqual([null, null]);
  expect(problem('large')).toMatch(/^bucket_00001: building it takes 9235 GB of disk.* a machine has 7125 GB to use/);
  expect(problem('smallDisk')).toContain('--aws_storage_disk 1900');
});

test('a plan keeps the budget, or says what to change', async () => {
  const plan = (dollars?: object) => ({ total: { dollars }, machine: { name: 'local' } });
  const priced = plan({ estimate: 12.3, low: 8, high: 19.25 });
  const [ingest, search, embed] = ['ingest-bucket', 'search-bucket', 'embed-sequences'].map((command, i) => ({
    ...{ command, state: 'done', seconds: i },
  }));
  const found = { command: 'pack-buckets', state: 'found' };
  const outcome = { format: 1, version: '0.1.0', stages: [{ ...search, seconds: 9 }] };
  const budget = (document: object, dollars: number) => ({ check: 'budget', plan: document, budget: dollars });
  const answers = await check(
    {
      kept: budget(priced, 19.25),
      above: budget(priced, 19),
      small: budget(plan({ estimate: 1e-5, low: 1e-6, high: 1e-4 }), 1e-7),
      unknown: budget(plan(), 1e6),
      unplanned: {
        check: 'unplanned',
        request: { inputs: [{ kind: 'vectors' }], queries: [], align: 5, columns: null, evaluate: true },
      },
      planned: { check: 'unplanned', request: { inputs: [{ kind: 'fasta' }], queries: [], evaluate: false } },
      noEarlier: { check: 'earlier', outcome, before: null },
      earlier: {
        check: 'earlier',
        outcome,
        before: { ...outcome, stages: [ingest, search, 'x'], earlier: [embed, found] },
      },
      changed: { check: 'earlier', outcome, before: { ...outcome, stages: {}, earlier: 5 } },
      otherVersion: { check: 'earlier', outcome, before: { ...outcome, version: '0.0.9', stages: [ingest] } },
    },
    await temporaryFolder(),
  );
  expect(answers.kept.value).toBeNull();
  expect(answers.above.value).toMatch(
    /^--budget 19: this run may cost \$19\.25 \(estimate \$12\.30\), which is above the budget\. Allow --budget 20, or/,
  );
  expect(answers.small.value).toMatch(/^--budget 0\.0000001: this run may cost less than \$0\.01 .* Allow --budget 1,/);
  expect(answers.unknown.value).toMatch(
    /^--budget 1000000: what this run costs is unknown, because no price is known for the machine local\. Name .*--plan_prices FILE/,
  );
  expect(answers.unplanned.value).toBe(
    'The plan does not count --align, --evaluate, importing vectors of other formats: the run takes longer, and costs more.',
  );
  expect(answers.planned.value).toBeNull();
  // The rates of a build outlast the searches after it.
  expect(answers.noEarlier.value).toEqual(outcome);
  expect(answers.earlier.value).toEqual({ ...outcome, earlier: [ingest, embed] });
  for (const name of ['changed', 'otherVersion'] as const) expect(answers[name].value, name).toEqual(outcome);
});
