// @module-tag slow
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Seen } from '../support/fault-proxy.ts';
import { ROOT, sharedFolder, temporaryFolder } from '../support/run.ts';
import { missingServer, withFaultProxy } from '../support/s3.ts';
import { check, ids, inputs, large } from './support/checks.ts';
import { pipeline } from './support/nextflow.ts';
import { fasta } from './support/proteins.ts';
import { makeS3Plugin } from './support/s3-plugin.ts';

// Nextflow's AWS plugin is not in the registries. Its stand-in makes the same requests (support/s3-plugin).

const DENIED = { status: 403, code: 'AccessDenied' };
const FOLDER = ['in/.hidden.fasta', 'in/a.fasta', 'in/b.fasta.gz', 'in/notes.txt', 'in/sub/c.fasta'];

describe.skipIf(missingServer('moto'))('inputs on S3', () => {
  const held = withFaultProxy('moto');
  let plugin: NodeJS.ProcessEnv;

  beforeAll(async () => {
    const folder = await sharedFolder();
    await mkdir(folder, { recursive: true });
    plugin = await makeS3Plugin(folder);
    for (const bucket of ['lance', 'unlisted', 'below', 'closed', 'lists-only']) {
      await fetch(`${held.server.endpoint}/${bucket}`, { method: 'PUT' });
      for (const key of FOLDER) await put(bucket, key, fasta(key.replaceAll(/\W/g, '_'), 2, 1));
      await put(bucket, 'in/sheet.csv', 'path\na.fasta\nsub/../sub/c.fasta\n');
      await put(bucket, 'in/ids.txt', 'one\n');
    }
  });
  beforeEach(() => {
    held.proxy.rule = refuse;
  });

  const ask = (place: string, init: RequestInit = {}) =>
    fetch(`${held.server.endpoint}/${place}`, { ...init, headers: { authorization: 'AWS test-key:unsigned' } });
  const put = (bucket: string, key: string, body: string) => ask(`${bucket}/${key}`, { method: 'PUT', body });
  const env = () => ({ ...held.proxy.env, ...plugin });

  test('a file, a folder, a glob and a samplesheet need only the rights to read and list', async () => {
    const folder = await temporaryFolder();
    const here = join(folder, 'here.fasta');
    await writeFile(here, fasta('here', 2, 1));
    await put('lance', 'mixed.csv', `path\nin/a.fasta\ns3://unlisted/in/a.fasta\n${here}\n`);
    await put('lance', 'bad.csv', 'path\nin/a.fasta\nin/missing.fasta\n');
    await put('lists-only', 'odd/a%22b.fasta', '');
    await put('lance', 'named/sub.fasta/d.fa', fasta('d', 2, 1));
    for (const name of ['a.h5', 'a.description']) await put('lance', `work/task/${name}`, name);
    await put('lance', 'work/task/a.json', '{"shardHash":"0"}');
    // Of an earlier run whose outputs have expired.
    const files = { shard: 'a.h5', description: 'a.description', report: 'a.json' };
    const expired = mapValues(files, (name) => ({ path: `s3://lance/work/gone/${name}`, bytes: 4, modified: 0 }));
    await put('lance', entryOf(fasta('in_sub_c_fasta', 2, 1)), JSON.stringify({ version: 1, ...expired }));
    const kept = { root: 's3://lance/work/embeddings' };
    const cases = {
      cacheKept: { check: 'keep', ...kept, fasta: 's3://lance/in/a.fasta', tasks: ['s3://lance/work/task'] },
      cacheFound: {
        ...{ check: 'find', ...kept },
        files: [
          's3://lance/in/a.fasta',
          's3://unlisted/in/a.fasta',
          's3://lance/in/b.fasta.gz',
          's3://lance/in/sub/c.fasta',
        ],
      },
      cacheDenied: { check: 'find', root: 's3://closed/embeddings', files: ['s3://lance/in/a.fasta'] },
      mixed: inputs('s3://lance/mixed.csv'),
      bad: inputs('s3://lance/bad.csv'),
      nothing: inputs('s3://lance/nothing'),
      noMatch: inputs('s3://lance/in/*.h5'),
      deep: inputs('s3://lance/**.fa*'),
      oneLevel: inputs('s3://lance/*/*.fasta'),
      root: inputs('s3://lance'),
      bucketPattern: inputs('s3://*/a.fasta'),
      folder: inputs('s3://lance/in'),
      namedLikeFiles: inputs('s3://lance/named/'),
      odd: inputs('s3://lists-only/odd/a"b.fasta'),
      noBucket: inputs('s3://not-there/a.fasta'),
      unlistedFolder: inputs('s3://unlisted/in/'),
      unlistedGlob: inputs('s3://unlisted/in/*.fasta'),
      unlistedSheet: inputs('s3://unlisted/in/sheet.csv'),
      unlistedMissing: inputs('s3://unlisted/in/missing.fasta'),
      unlistedIds: ids('s3://unlisted/in/ids.txt'),
      unknownSize: large('s3://unlisted/in/a.fasta', 1e6),
      knownSize: large('s3://lance/in/a.fasta', 1e6),
      smallParts: large('s3://lance/in/', 10),
      below: inputs('s3://below/in'),
      closed: inputs('s3://closed/in/a.fasta'),
      unreadableSheet: inputs('s3://lists-only/in/sheet.csv'),
      elsewhere: inputs('s3://elsewhere/a.fasta'),
      expired: inputs('s3://expired/a.fasta'),
      slow: inputs('s3://slow/a.fasta'),
      otherScheme: inputs('s3a://lance/in/a.fasta'),
      upperCase: inputs('S3://lance/in/a.fasta'),
      oneSlash: inputs('s3:/lance/in/a.fasta'),
      arn: ids('arn:aws:s3:::lance/in/ids.txt'),
      withoutBucket: inputs('s3:///in/a.fasta'),
      idsFolder: ids('s3://lance/in'),
    };
    const answers = await check(cases, folder, env());
    const sources = (name: keyof typeof cases) =>
      (answers[name].value as [string, string][] | undefined)?.map(([source]) => source) ?? answers[name].error;
    const at = (bucket: string, ...keys: string[]) => keys.map((key) => `s3://${bucket}/${key}`);

    // On S3 an entry names the outputs of the task. The same content is found under any address; files without an entry, or whose outputs
    // have expired, are not.
    const outputs = Object.values(files).map((name) => `/lance/work/task/${name}`);
    expect(answers.cacheKept).toEqual({ value: [outputs] });
    expect(answers.cacheFound).toEqual({ value: [outputs, outputs, null, null] });
    expect(answers.cacheDenied).toEqual({ value: [null] });

    expect(sources('mixed')).toEqual([here, ...at('lance', 'in/a.fasta'), ...at('unlisted', 'in/a.fasta')]);
    expect(sources('deep')).toEqual(
      at('lance', 'in/a.fasta', 'in/b.fasta.gz', 'in/sub/c.fasta', 'named/sub.fasta/d.fa'),
    );
    expect(sources('folder')).toEqual(at('lance', 'in/a.fasta', 'in/b.fasta.gz'));
    expect(sources('oneLevel')).toEqual(at('lance', 'in/a.fasta'));
    expect(sources('below')).toEqual(at('below', 'in/a.fasta', 'in/b.fasta.gz'));
    expect(sources('unlistedSheet')).toEqual(at('unlisted', 'in/a.fasta', 'in/sub/c.fasta'));
    expect(answers.unlistedIds.value).toBe('s3://unlisted/in/ids.txt');
    // A file of unknown size may be a large one.
    expect(answers.unknownSize.value).toEqual([true]);
    expect(answers.knownSize.value).toEqual([false]);
    expect(answers.smallParts.value).toEqual([true, true]);

    const denied = /access denied or not found.*s3:GetObject of s3:\/\/KEY/;
    const deniedOf = (key: string) => new RegExp(denied.source.replace('KEY', key));
    for (const [name, message] of [
      [
        'bad',
        /^--input s3:\/\/lance\/bad\.csv, line 3: no such object or folder on S3: s3:\/\/lance\/in\/missing\.fasta/,
      ],
      ['nothing', /^--input: no such object or folder on S3: s3:\/\/lance\/nothing$/],
      ['noMatch', /no file matches s3:\/\/lance\/in\/\*\.h5/],
      ['namedLikeFiles', /no file in the folder s3:\/\/lance\/named ends with/],
      ['root', /no file in the folder s3:\/\/lance\/ ends with/],
      ['bucketPattern', /the name of the bucket cannot be a pattern/],
      ['odd', /its path has '"'/],
      ['noBucket', /no such bucket \(404 NoSuchBucket\)/],
      ['unlistedFolder', /the folder cannot be listed: access denied.*s3:ListBucket with the prefix 'in\/'/],
      ['unlistedGlob', /the folder cannot be listed: access denied.*s3:ListBucket with the prefix 'in\/'/],
      ['unlistedMissing', deniedOf('unlisted/in/missing.fasta')],
      ['closed', deniedOf('closed/in/a.fasta')],
      ['unreadableSheet', deniedOf('lists-only/in/sheet.csv')],
      ['elsewhere', /the bucket is in another region \(301 PermanentRedirect\).*AWS_REGION/],
      ['expired', /the session token has expired/],
      ['slow', /S3 failed \(503 SlowDown\).*Wait a moment/],
      ['otherScheme', /an address on S3 is written s3:\/\/bucket\/path/],
      ['upperCase', /an address on S3 is written s3:\/\/bucket\/path/],
      ['oneSlash', /an address on S3 is written s3:\/\/bucket\/path/],
      ['arn', /^--query_ids .*an address on S3 is written s3:\/\/bucket\/path/],
      ['withoutBucket', /an address on S3 is written s3:\/\/bucket\/path/],
      ['idsFolder', /^--query_ids: this is a folder, not a file: s3:\/\/lance\/in$/],
    ] as const)
      expect(answers[name].error, name).toMatch(message);
    expect(rightsBeyondReading()).toEqual([]);
  });

  test('the requests equal those in docs/aws.md', async () => {
    const table = await documented();
    expect(table.length).toBeGreaterThan(4);
    const folder = await temporaryFolder();
    // One after the other, so that the times of requests show to which they belong.
    const marks = table.flatMap(([address], i) => [
      [`mark${i}`, inputs(`s3://mark/${i}`)] as const,
      [address, inputs(address)] as const,
    ]);
    await check(Object.fromEntries(marks), folder, env());
    const calls: string[][] = [];
    for (const seen of held.proxy.seen) {
      if (seen.url.startsWith('/mark/') && seen.method === 'GET' && /prefix=\d+&max-keys/.test(seen.url))
        calls.push([]);
      else if (!seen.url.startsWith('/mark/')) calls.at(-1)!.push(shown(seen));
    }
    for (const [i, [address, expected]] of table.entries()) expect(calls[i]!.sort(), address).toEqual(expected.sort());
  });

  test('a run warns about a file that cannot be listed, a stub run does not', async () => {
    const args = ['-preview', '--input', 's3://unlisted/in/sheet.csv', '--model', 'kmer', '--database', 'db'];
    const warning = 's3://unlisted/in/a.fasta and 1 more: may be read but not listed';
    const { stdout } = await pipeline(args, await temporaryFolder(), ROOT, env());
    expect(stdout).toContain(warning);
    const stub = await pipeline([...args, '-stub-run'], await temporaryFolder(), ROOT, env());
    expect(stub.stdout).not.toContain(warning);
  });

  test('a run reads inputs, ids and queries from S3 and publishes there', { timeout: 300_000 }, async () => {
    const folder = await temporaryFolder();
    for (const key of ['run/in/a.fasta', 'run/in/b.fasta', 'run/q1.fasta'])
      await put('lance', key, fasta(key.replaceAll(/\W/g, '_'), 4, 1));
    await put('lance', 'run/ids.txt', 'run_in_a_fasta1\n');
    const args = [
      ...['-stub-run', '--input', 's3://lance/run/in', '--queries', 's3://lance/run/q*.fasta', '--model', 'kmer'],
      ...['--query_ids', 's3://lance/run/ids.txt', '--database', 'db', '--outdir', 's3://lance/results/run'],
    ];
    const embedded = (stdout: string) =>
      [...stdout.matchAll(/Submitted process > \S*EMBED_SEQUENCES \((.*)\)/g)].map(([, file]) => file).sort();
    const first = await pipeline(args, folder, ROOT, env());
    expect(embedded(first.stdout)).toEqual(['a.fasta', 'b.fasta', 'q1.fasta']);
    const read = async (name: string) => (await ask(`lance/results/run/${name}`)).status;
    expect(await read('run.json')).toBe(200);
    expect(await read('neighbours.parquet')).toBe(200);

    await put('lance', 'run/in/b.fasta', fasta('other', 5, 2));
    const second = await pipeline([...args, '-resume'], folder, ROOT, env());
    expect(embedded(second.stdout)).toEqual(['b.fasta']);
    expect(rightsBeyondReading()).toEqual([]);
  });

  /** Requests that only an owner may make: ACLs, and the account's buckets. */
  const rightsBeyondReading = () =>
    held.proxy.seen.filter(({ method, url }) => (method === 'GET' && url === '/') || /[?&]acl/.test(url));
});

/** Returns the key of the embedding cache's entry of a FASTA file, embedded by kmer. */
function entryOf(text: string): string {
  const key = (content: string) => createHash('sha256').update(content).digest('hex').slice(0, 32);
  const embedder = { version: 1, options: { model: 'kmer', vector_type: 'float32' }, model: [] };
  return `work/embeddings/${key(JSON.stringify(embedder))}/${key(text)}/entry.json`;
}

const mapValues = <T, U>(from: Record<string, T>, change: (value: T) => U) =>
  Object.fromEntries(Object.entries(from).map(([name, value]) => [name, change(value)]));

/** Denies requests that the rights of each bucket do not allow, like S3: without the right to list, a missing object is a denied one. */
function refuse({ method, url }: Seen) {
  const { pathname, searchParams } = new URL(url, 'http://s3');
  const [, bucket, ...path] = pathname.split('/');
  const prefix = searchParams.get('prefix');
  const lists = prefix !== null;
  if (/[?&]acl/.test(url) || (method === 'GET' && pathname === '/')) return DENIED;
  if (bucket === 'closed') return DENIED;
  if (bucket === 'unlisted' && (lists || path.join('/') === 'in/missing.fasta')) return DENIED;
  if (bucket === 'below' && (lists ? !prefix.startsWith('in/') : path.join('/') === 'in')) return DENIED;
  if (bucket === 'lists-only' && !lists) return DENIED;
  if (bucket === 'elsewhere') return { status: 301, code: 'PermanentRedirect' };
  if (bucket === 'expired') return { status: 400, code: 'ExpiredToken' };
  if (bucket === 'slow') return { status: 503, code: 'SlowDown' };
  return undefined;
}

/** Names a request in the words of docs/aws.md. */
function shown({ method, url }: Seen): string {
  const { pathname, searchParams } = new URL(url, 'http://s3');
  const key = decodeURIComponent(pathname.split('/').slice(2).join('/'));
  return method === 'GET' && searchParams.has('prefix')
    ? `list ${searchParams.get('prefix')}`
    : `${method.toLowerCase()} ${key}`;
}

/** Reads the rows of docs/aws.md: an input, and its requests. */
async function documented(): Promise<[string, string[]][]> {
  const text = await readFile(join(ROOT, 'docs/aws.md'), 'utf8');
  const rows = text.split('\n').filter((line) => /^\| `s3:\/\/(lance|unlisted|below)\//.test(line));
  return rows.map((row) => {
    const [, address, calls] = row.split('|').map((cell) => cell.trim());
    return [address!.replaceAll('`', ''), [...calls!.matchAll(/`([^`]+)`/g)].map(([, call]) => call!)];
  });
}
