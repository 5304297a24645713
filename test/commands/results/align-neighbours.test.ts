import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { compositionOf, relativeLambda } from '../../../workers/src/align/local/composition.ts';
import { LocalAligner } from '../../../workers/src/align/local/local-aligner.ts';
import { encodeResidues } from '../../../workers/src/align/local/residues.ts';
import { alignmentEvalue } from '../../../workers/src/align/local/statistics.ts';
import { DataError, UsageError } from '../../../workers/src/base/errors.ts';
import { seededRandom } from '../../../workers/src/base/random.ts';
import { fingerprint } from '../../../workers/src/database/catalog/catalog-entry.ts';
import { Database } from '../../../workers/src/database/database.ts';
import { type ExtraField, extraFrom, extraValue, withExtra } from '../../../workers/src/hits/extra-column.ts';
import { inspectNeighbours, readNeighbours } from '../../../workers/src/hits/parquet/neighbours-reader.ts';
import { createNeighbours } from '../../../workers/src/hits/parquet/neighbours-writer.ts';
import { ENTRY, SOURCE } from '../../support/catalog.ts';
import { runHere, type Spoken } from '../../support/command.ts';
import { neighboursOf, packedHits } from '../../support/hits.ts';
import { missingPython, python, sharedFolder } from '../../support/run.ts';

const ALIGNED = ['identity', 'query_coverage', 'target_coverage', 'bits', 'alignment_evalue'];
const FIELDS: readonly ExtraField[] = [
  { name: 'sequence', type: 'utf8' },
  { name: 'length', type: 'int64' },
  { name: 'evalue', type: 'float64' },
];
const QUERIES = 60;
const EACH = 100;
const ROWS = { bucket_00001: 800, bucket_00002: 1200 };

interface Row {
  query: string;
  target: string;
  distance: number;
  bucket: string;
  rank: number;
  sequence: string | null;
}

const random = seededRandom(11);
const letters = (length: number) =>
  Array.from({ length }, () => 'ARNDCQEGHILKMFPSTWYV'[Math.floor(random() * 20)]).join('');

let folder: string;
const sequences = new Map(
  Array.from({ length: QUERIES }, (_, i) => [`q${String(i).padStart(3, '0')}`, letters(20 + i)]),
);
const rows: Row[] = [...sequences].flatMap(([query, sequence], q) =>
  Array.from({ length: EACH }, (_, i) => {
    const related = i % 3 === 0 ? sequence.slice(0, 5 + ((i * 7) % sequence.length)) : '';
    const known = (q + i) % 17 === 5 ? null : letters(5 + (i % 20)) + related;
    const bucket = i % 2 === 0 ? 'bucket_00001' : 'bucket_00002';
    return { query, target: `t${q}_${i}`, distance: Math.fround(i / EACH), bucket, rank: i + 1, sequence: known };
  }),
);

async function writeRows(path: string, some: readonly Row[], fields = FIELDS, metadata: Record<string, string> = {}) {
  const values: Record<string, (row: Row) => string | number | bigint | null> = {
    sequence: ({ sequence }) => sequence,
    length: ({ sequence }) => (sequence === null ? null : BigInt(sequence.length)),
    evalue: ({ distance }) => distance * 10,
  };
  const writer = await createNeighbours(path, 'zstd', metadata, fields);
  const plain = { ...packedHits([...some]), ranks: Int32Array.from(some, ({ rank }) => rank) };
  await writer.append(
    withExtra(
      plain,
      fields.map(({ name, type }) => extraFrom(type, some.map(values[name]!))),
    ),
  );
  await writer.finish();
}

async function readRows(path: string) {
  const { extra } = await inspectNeighbours(path);
  const found: Record<string, unknown>[] = [];
  for await (const batch of readNeighbours(path, extra))
    for (const [row, neighbour] of neighboursOf(batch).entries())
      found.push({
        ...neighbour,
        ...Object.fromEntries(extra.map(({ name }, i) => [name, extraValue(batch.extra![i]!, row)])),
      });
  return { names: extra.map(({ name }) => name), rows: found };
}

const at = (name: string) => join(folder, name);

function align(options: readonly string[], spoken?: Spoken) {
  const usual = {
    ...{ neighbours: at('n.parquet'), queries: at('q.fasta'), database: at('db') },
    ...{ candidates: '5', k: '5', output: at('x.parquet') },
  };
  const others = Object.entries(usual).filter(([name]) => !options.includes(`--${name}`));
  return runHere(['align-neighbours', ...others.flatMap(([name, value]) => [`--${name}`, value]), ...options], spoken);
}

beforeAll(async () => {
  folder = await sharedFolder();
  const database = await Database.open(at('db'));
  await database.create();
  for (const [bucket, count] of Object.entries(ROWS)) {
    const { fragments: _, partitions: __, ...plain } = ENTRY;
    const sources = [{ ...SOURCE, rows: count, start: 0, end: count }];
    const index = { kind: 'none' as const, metric: 'cosine' as const, partitions: 0, parameters: {} };
    const entry = { ...plain, bucket, rows: count, sources, index };
    await database.writeEntry({ ...entry, fingerprint: fingerprint(entry) });
  }
  await writeFile(
    at('q.fasta'),
    [...sequences].map(([id, text]) => `>${id} of a query\n${text.toLowerCase()}\n`).join(''),
  );
  await writeRows(at('n.parquet'), rows);
});

describe('align-neighbours', () => {
  it.skipIf(missingPython())('writes the alignments that Biopython finds, the best first', async () => {
    const spoken: Spoken = { lines: [] };
    const options = ['--candidates', '80', '--rank', 'alignment', '--k', '12', '--threads', '2'];
    const result = await align([...options, '--output', at('a.parquet'), '--csv', at('a.csv')], spoken);
    expect(result).toMatchObject({ rows: QUERIES * 12, queries: QUERIES });
    expect(spoken.lines.join()).toContain('without a sequence could not be aligned');
    const { names, rows: found } = await readRows(at('a.parquet'));
    expect(names).toEqual(['evalue', ...ALIGNED, 'length']);
    const first = (await readFile(at('a.csv'), 'utf8')).split('\n')[0];
    expect(first).toBe(`query_id,rank,target_id,distance,bucket,evalue,${ALIGNED.join(',')},length`);
    const given = [[...sequences], rows, { candidates: 80, k: 12 }];
    await writeFile(at('given.json'), JSON.stringify(given));
    const expected = await python<unknown[]>(BIOPYTHON, at('given.json'));
    expect(found.map(({ query, rank, target, bits }) => [query, rank, target, bits])).toEqual(
      expected.map((row) => close(row as unknown[])),
    );
  });

  it('computes E-values from the aligned residues', async () => {
    await align(['--candidates', '4', '--k', '4', '--columns', 'sequence', '--output', at('e.parquet')]);
    const { rows: found } = await readRows(at('e.parquet'));
    const aligner = new LocalAligner();
    for (const { query, sequence, alignment_evalue: evalue } of found) {
      if (sequence === null) continue;
      const [own, target] = [sequences.get(query as string)!, sequence as string].map((text) =>
        encodeResidues(Buffer.from(text)),
      ) as [Uint8Array, Uint8Array];
      aligner.setQuery(own);
      const { score, queryStart, queryEnd, targetStart, targetEnd } = aligner.align([target])[0]!;
      const parts = [own.subarray(queryStart, queryEnd), target.subarray(targetStart, targetEnd)] as const;
      const relative = relativeLambda(compositionOf(parts[0]), compositionOf(parts[1]));
      expect(evalue).toBe(score === 0 ? null : alignmentEvalue(score, relative, own.length, 350 * 2000));
    }
  });

  it('keeps the order of distances, and the columns that are asked', async () => {
    await align(['--candidates', '3', '--k', '5', '--columns', 'sequence', '--output', at('d.parquet')]);
    const { names, rows: found } = await readRows(at('d.parquet'));
    expect(names).toEqual(['evalue', ...ALIGNED, 'sequence']);
    const expected = rows.filter(({ rank }) => rank <= 5);
    expect(
      found.map(({ query, target, rank, distance, bucket, sequence }) => ({
        query,
        target,
        distance,
        bucket,
        rank,
        sequence,
      })),
    ).toEqual(expected);
    for (const { rank, sequence, bits, identity, query_coverage: coverage } of found) {
      const isAligned = (rank as number) <= 3 && sequence !== null;
      expect([bits, identity, coverage].map((value) => value === null)).toEqual(new Array(3).fill(!isAligned));
    }
  });

  it('writes the same bytes with any number of threads', async () => {
    const options = ['--candidates', '20', '--k', '20', '--rank', 'alignment'];
    const files = ['1', '3'].map((threads) => ({ threads, path: at(`threads${threads}.parquet`) }));
    for (const { threads, path } of files) await align([...options, '--threads', threads, '--output', path]);
    const [one, three] = await Promise.all(files.map(({ path }) => readFile(path)));
    expect(one!.equals(three!)).toBe(true);
  });

  it('writes the same bytes in one task and in parts that are joined', async () => {
    const columns = ['--columns', 'length,sequence'];
    const options = ['--candidates', '20', '--k', '7', '--rank', 'alignment'];
    const outputs = (name: string) =>
      ['output', 'csv', 'fasta'].flatMap((kind) => [
        `--${kind}`,
        at(`${name}.${kind === 'output' ? 'parquet' : kind}`),
      ]);
    await align([...options, '--columns', 'length', ...outputs('whole')]);
    const parts: string[] = [];
    // Row groups, and queries that are not there.
    for (const range of ['0:1', '1:31', '31:59', '59:100', '100:200']) {
      parts.push(at(`part${parts.length}.parquet`));
      await align([...options, ...columns, '--range', range, '--output', parts.at(-1)!]);
    }
    const join = ['join-neighbours', '--columns', 'length', '--input'];
    const result = await runHere([...join, ...parts, ...outputs('joined')]);
    expect(result).toMatchObject({ rows: 7 * QUERIES, queries: QUERIES });
    for (const kind of ['parquet', 'csv', 'fasta']) {
      const [whole, joined] = await Promise.all(['whole', 'joined'].map((name) => readFile(at(`${name}.${kind}`))));
      expect(joined!.equals(whole!), kind).toBe(true);
    }

    const output = ['--output', at('x.parquet')];
    await expect(runHere([...join, parts[1]!, parts[0]!, ...output])).rejects.toThrow(
      'its queries are not after those of',
    );
    await expect(runHere([...join, parts[1]!, parts[1]!, ...output])).rejects.toThrow(DataError);
    await expect(runHere([...join, parts[0]!, at('whole.parquet'), ...output])).rejects.toThrow(
      'is no part of the same neighbours',
    );
    const lacking = ['join-neighbours', '--input', at('whole.parquet'), ...output];
    await expect(runHere([...lacking, '--fasta', at('x.fasta')])).rejects.toThrow(UsageError);
    await expect(runHere([...lacking, '--columns', 'taxon'])).rejects.toThrow('has no column taxon');
    await expect(align(['--range', '3:3'])).rejects.toThrow('--range 3:3');
  });

  it('reads the sequences of queries from FASTA and from a query set alike', async () => {
    await runHere(['embed-sequences', '--model', 'kmer', '--input', at('q.fasta'), '--output', at('q.h5')]);
    await align(['--output', at('from-fasta.parquet')]);
    await align(['--queries', at('q.h5'), '--output', at('from-shard.parquet')]);
    const [fasta, shard] = await Promise.all(['fasta', 'shard'].map((name) => readFile(at(`from-${name}.parquet`))));
    expect(fasta!.equals(shard!)).toBe(true);
    const none = ['embed-sequences', '--model', 'kmer', '--keep', 'none', '--input', at('q.fasta')];
    await runHere([...none, '--output', at('none.h5')]);
    await expect(align(['--queries', at('none.h5')])).rejects.toThrow('none.h5 has no dataset "sequence"');
  });

  it('writes the sequences of the neighbours that it keeps', async () => {
    const options = ['--rank', 'alignment', '--k', '2', '--candidates', '100', '--columns', 'none'];
    const { fasta } = await align([...options, '--output', at('f.parquet'), '--fasta', at('f.fasta')]);
    const { names, rows: found } = await readRows(at('f.parquet'));
    expect(names).toEqual(['evalue', ...ALIGNED]);
    const targets = new Map(rows.map(({ target, sequence }) => [target, sequence]));
    const records = (await readFile(at('f.fasta'), 'utf8')).split('>').slice(1);
    expect(records.map((record) => record.split('\n')[0])).toEqual(found.map(({ target }) => target).sort());
    for (const record of records) {
      const [target, ...lines] = record.split('\n');
      expect(lines.join('')).toBe(targets.get(target!));
    }
    expect(fasta).toMatchObject({ targets: records.length, withoutSequence: 0 });
  });

  it('counts the residues of the catalog, and 350 a row where it has none', async () => {
    const database = await Database.open(at('counted'));
    await database.create();
    for (const entry of await (await Database.open(at('db'))).entries()) {
      // The first bucket counts them for its deleted rows, too.
      const isFirst = entry.bucket === 'bucket_00001';
      const counted = isFirst ? { residues: 30_000, deletedRows: 200 } : {};
      await database.writeEntry({ ...entry, ...counted });
    }
    await align(['--database', at('counted'), '--output', at('counted.parquet')]);
    const { metadata } = await inspectNeighbours(at('counted.parquet'));
    const expected = { databaseResidues: 24_000 + 1200 * 350, assumedRows: 1200 };
    expect(JSON.parse(metadata['lanceflow.align']!)).toMatchObject(expected);
  });

  it('takes the size of the buckets that were searched', async () => {
    await writeRows(at('one.parquet'), rows, FIELDS, { 'lanceflow.buckets': '{"bucket_00002":"r"}' });
    const options = ['--candidates', '1', '--k', '1', '--output'];
    await align([...options, at('both-a.parquet')]);
    await align([...options, at('one-a.parquet'), '--neighbours', at('one.parquet')]);
    const [both, one] = [await readRows(at('both-a.parquet')), await readRows(at('one-a.parquet'))];
    for (const [i, { alignment_evalue: evalue }] of both.rows.entries())
      if (evalue !== null) expect(one.rows[i]!.alignment_evalue).toBeCloseTo(((evalue as number) * 1200) / 2000, 12);
  });

  it('names what is missing or wrong', async () => {
    const failure = async (argv: readonly string[], error: unknown, ...parts: string[]) => {
      const thrown = await align(argv).then(
        () => undefined,
        (reason: Error) => reason,
      );
      expect(thrown).toBeInstanceOf(error);
      for (const part of parts) expect(thrown!.message).toContain(part);
    };
    await writeFile(
      at('few.fasta'),
      [...sequences]
        .slice(1)
        .map(([id, text]) => `>${id}\n${text}\n`)
        .join(''),
    );
    await failure(['--queries', at('few.fasta')], DataError, 'q000', 'few.fasta');
    await writeFile(at('twice.fasta'), `>q001\nWWWW\n`);
    const twice = ['--queries', at('q.fasta'), at('twice.fasta')];
    await failure(twice, DataError, 'twice.fasta', 'q001');
    await failure([...twice, '--range', '1:2'], DataError, 'twice.fasta', 'q001');
    // A part keeps the sequences of its own queries alone.
    await expect(align([...twice, '--range', '0:1'])).resolves.toMatchObject({ queries: 1 });
    await writeRows(at('plain.parquet'), rows.slice(0, 3), []);
    await failure(['--neighbours', at('plain.parquet')], DataError, 'plain.parquet', '"sequence"', 'fetch-columns');
    await writeRows(at('other.parquet'), rows, FIELDS, {
      'lanceflow.buckets': '{"bucket_00001":"r","bucket_00009":"r"}',
    });
    await failure(['--neighbours', at('other.parquet')], DataError, 'no bucket "bucket_00009"', 'bucket_00001');
    await failure(['--columns', 'taxon'], UsageError, 'taxon', 'sequence, length, evalue');
    await failure(['--k', '0'], UsageError, '--k');
    await failure(['--output', at('n.parquet')], UsageError, '--output names another file');
    await failure(['--csv', at('q.fasta')], UsageError, '--csv names another file');
    await symlink(at('n.parquet'), at('link.parquet'));
    await failure(['--output', at('link.parquet')], UsageError, '--output names another file');
    await writeRows(at('unsorted.parquet'), [...rows.slice(EACH, 2 * EACH), ...rows.slice(0, EACH)]);
    await failure(['--neighbours', at('unsorted.parquet')], DataError, 'unsorted.parquet', 'q000');
  });
});

/** Bits are float32. */
const close = ([query, rank, target, bits]: unknown[]) => [
  ...[query, rank, target, bits === null ? null : Math.fround(bits as number)],
];

const BIOPYTHON = `
import sys, json, math
from Bio import Align
sequences, rows, settings = json.load(open(sys.argv[1]))
aligner = Align.PairwiseAligner(mode='local', substitution_matrix=Align.substitution_matrices.load('BLOSUM62'))
aligner.open_gap_score, aligner.extend_gap_score = -12, -1
out = []
for query, sequence in sequences:
    own = [row for row in rows if row['query'] == query]
    for row in own:
        known = row['rank'] <= settings['candidates'] and row['sequence']
        row['score'] = int(aligner.score(sequence, row['sequence'])) if known else 0
    own.sort(key=lambda row: (-row['score'], row['rank']))
    for rank, row in enumerate(own[:settings['k']], 1):
        bits = (0.267 * row['score'] - math.log(0.041)) / math.log(2)
        out.append([query, rank, row['target'], bits if row['score'] else None])
print(json.dumps(out))`;
