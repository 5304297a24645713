import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sealedText } from '../../workers/src/base/text/document.ts';
import { bucketName } from '../../workers/src/database/catalog/bucket-name.ts';
import { type CatalogEntry, fingerprint } from '../../workers/src/database/catalog/catalog-entry.ts';
import { runHere } from '../support/run-here.ts';

// Inputs of any number that are copies of a real shard's description, and of a real bucket's entry: only names, ids and hashes differ.

/** Number of shards in each bucket of `makeCatalog`. */
export const SHARDS_IN_BUCKET = 10;

/** A shard with its description, and a database that has it. */
export interface Template {
  description: string;
  database: string;
  rows: number;
}

/** Embeds, describes and indexes a few sequences. */
export async function makeTemplate(folder: string, rows: number): Promise<Template> {
  const at = (name: string) => join(folder, name);
  await mkdir(folder, { recursive: true });
  const letters = 'ACDEFGHIKLMNPQRSTVWY';
  const sequence = (row: number) =>
    Array.from({ length: 40 }, (_, i) => letters[(row * 7 + i * (row + 3)) % 20]).join('');
  writeFileSync(
    at('few.fasta'),
    Array.from({ length: rows }, (_, row) => `>${idOf(0, row)}\n${sequence(row)}\n`).join(''),
  );
  await runHere(
    'embed-sequences',
    '--model',
    'kmer',
    '--input',
    at('few.fasta'),
    '--output',
    at('few.h5'),
    '--keep',
    'none',
  );
  await runHere('describe-shard', '--input', at('few.h5'), '--output', at('few.shard'));
  await runHere('pack-buckets', '--input', at('few.shard'), '--output', at('few.json'), '--database', at('few'));
  const bucket = ['--bucket', bucketName(1), '--database', at('few')];
  await runHere('ingest-bucket', '--plan', at('few.json'), ...bucket);
  await runHere('index-bucket', ...bucket);
  return { description: at('few.shard'), database: at('few'), rows };
}

/** Writes descriptions of shards [first, first + count). @returns the file that lists their paths, for `--input-list` */
export async function makeDescriptions(
  folder: string,
  { description }: Template,
  first: number,
  count: number,
): Promise<string> {
  const bytes = await readFile(description);
  const end = bytes.indexOf('\n');
  const facts = JSON.parse(bytes.toString('utf8', 0, end)) as Record<string, unknown>;
  const ids = bytes.subarray(end + 1);
  const place = ids.indexOf(idOf(0, 0).slice(0, PREFIX.length + DIGITS));
  const step = ids.indexOf(PREFIX, place + 1) - place;
  const paths: string[] = [];
  for (let shard = first; shard < first + count; shard++) {
    const within = join(folder, `${Math.floor(shard / 1000)}`);
    if (shard % 1000 === 0 || shard === first) mkdirSync(within, { recursive: true });
    for (let at = place; at >= 0 && at < ids.length; at += step)
      ids.write(numberOf(shard), at + PREFIX.length, 'latin1');
    const line = JSON.stringify({
      ...facts,
      path: `/absent/${shard}.h5`,
      name: `${shard}.h5`,
      contentHash: hashOf(shard),
    });
    paths.push(join(within, `${shard}.shard`));
    writeFileSync(paths.at(-1)!, Buffer.concat([Buffer.from(`${line}\n`), ids]));
  }
  const list = join(folder, 'shards.txt');
  writeFileSync(list, `${paths.join('\n')}\n`);
  return list;
}

/** Writes a database of `count` buckets, of `SHARDS_IN_BUCKET` shards each: entries, and the files from which a table's state is read. */
export async function makeCatalog(folder: string, { database }: Template, count: number): Promise<string> {
  const { checksum: _, ...entry } = JSON.parse(
    await readFile(join(database, `_catalog/${bucketName(1)}.json`), 'utf8'),
  ) as CatalogEntry & { checksum: string };
  const versions = join(database, `${bucketName(1)}.lance/_versions`);
  const names = await readdir(versions);
  mkdirSync(join(folder, '_catalog'), { recursive: true });
  for (let number = 1; number <= count; number++) {
    const bucket = bucketName(number);
    const sources = Array.from({ length: SHARDS_IN_BUCKET }, (_, i) => {
      const shard = (number - 1) * SHARDS_IN_BUCKET + i;
      return { ...entry.sources[0]!, shard, path: `${shard}.h5`, contentHash: hashOf(shard) };
    });
    const renamed = { ...entry, bucket, sources, rows: sources.reduce((sum, { rows }) => sum + rows, 0) };
    // Fragments, which add up to the rows, are for searches alone.
    const { fragments: __, partitions: ___, ...rest } = renamed;
    writeFileSync(join(folder, `_catalog/${bucket}.json`), sealedText({ ...rest, fingerprint: fingerprint(renamed) }));
    const to = join(folder, `${bucket}.lance/_versions`);
    mkdirSync(to, { recursive: true });
    for (const name of names) copyFileSync(join(versions, name), join(to, name));
  }
  return folder;
}

const PREFIX = 'growth_';
const DIGITS = 7;
const numberOf = (shard: number) => String(shard).padStart(DIGITS, '0');
const idOf = (shard: number, row: number) => `${PREFIX}${numberOf(shard)}_${String(row).padStart(3, '0')}`;
const hashOf = (shard: number) => shard.toString(16).padStart(64, '0');
