import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '../../workers/src/base/errors.ts';
import { sealedText } from '../../workers/src/base/text/document.ts';
import { type CatalogEntry, fingerprint } from '../../workers/src/database/catalog/catalog-entry.ts';
import { changed, fieldsOf, rewriteEntry } from '../support/catalog.ts';
import { runHere } from '../support/command.ts';
import { expectRefusalHere } from '../support/refusal.ts';
import { sharedFolder } from '../support/run.ts';
import { buildWithQueries, searchHere } from '../support/search.ts';
import { randomRows, sliceRows } from '../support/shards.ts';

const BUCKET = 'bucket_00001';
const MODES = ['exact', 'scan', 'ann'];

describe('a changed catalog entry', () => {
  let folder = '';
  let database = '';
  let queries = '';
  let entry: CatalogEntry;
  const answers = new Map<string, Buffer>();
  const options = (mode: string) => ['--search', mode, '--nprobes', '9', '--k', '5'];
  const entryPath = () => join(database, '_catalog', `${BUCKET}.json`);
  let text = '';

  beforeAll(async () => {
    folder = await sharedFolder();
    // Two fragments: 4096 rows of this dimension are 16 MiB.
    const rows = randomRows(1, 4600, 1024);
    ({ database, queries } = await buildWithQueries(folder, { rows, queries: sliceRows(rows, 4090, 4100) }, 'cosine'));
    // As an earlier version wrote it, whose hits have no p-values.
    const { nullDistances: _, checksum: __, ...old } = JSON.parse(await readFile(entryPath(), 'utf8'));
    text = sealedText({ ...old, fingerprint: fingerprint(old) });
    await writeFile(entryPath(), text);
    entry = JSON.parse(text);
    expect(entry.fragments).toHaveLength(2);
    for (const mode of MODES) answers.set(mode, (await searchHere(folder, database, queries, options(mode))).bytes);
  });

  /** Runs a function with another text as the catalog entry. */
  async function withEntry(other: string, use: () => Promise<void>): Promise<void> {
    await writeFile(entryPath(), other);
    await use().finally(() => writeFile(entryPath(), text));
  }
  const argv = (mode: string) => [
    ...['search-bucket', '--bucket', BUCKET, '--database', database, '--queries', queries],
    ...['--output', join(folder, 'no.parquet'), ...options(mode)],
  ];
  /** Writes an entry as an earlier version did: with a matching fingerprint, but without a checksum. */
  const earlier = (change: (entry: CatalogEntry) => CatalogEntry) => {
    const { checksum: _, ...other } = change(entry) as CatalogEntry & { checksum?: string };
    return JSON.stringify({ ...other, fingerprint: fingerprint(other) });
  };

  it('is refused by every strategy and by verify', async () => {
    const other = text.replace('"offset": 0', '"offset": 4');
    expect(other).not.toBe(text);
    await withEntry(other, async () => {
      for (const mode of MODES)
        await expectRefusalHere(
          argv(mode),
          65,
          /bucket_00001\.json: the catalog entry is damaged: its content does not match/,
        );
      const verify = runHere(['verify', '--database', database]);
      await expect(verify).rejects.toThrow(/1 problem:\n {2}bucket_00001: .*bucket_00001\.json: .*damaged/);
      await expect(verify).rejects.toThrow(DataError);
    });
  });

  it('of an earlier version is refused for E-values before the queries are read', async () => {
    const question = ['ask', '--input', join(folder, 'no-such-file.h5'), '--database', database, '--max-evalue', '1'];
    const match =
      /hits of bucket_00001 have no p-values.* Run lanceflow index-bucket --bucket bucket_00001 --database /;
    await expectRefusalHere(question, 65, match);
  });

  const shift = (by: number) => (one: CatalogEntry) => ({
    ...one,
    fragments: one.fragments!.map((fragment) => ({ ...fragment, offset: fragment.offset + by })),
  });
  it.each<[string, (one: CatalogEntry) => object, RegExp]>([
    ['offsets shifted by 4 bytes', shift(4), /the vectors of data\/.* do not begin at byte 4/],
    ['one offset of two', (one) => changed(one, ['fragments', 1, 'offset'], 4), /the vectors of data\/.* byte 4/],
    [
      'an offset that is null',
      (one) => changed(one, ['fragments', 0, 'offset'], null),
      /"fragments\[0\].offset" is null/,
    ],
    [
      'fragments in another order',
      (one) => ({ ...one, fragments: one.fragments!.toReversed() }),
      /"fragments\[0\].path"/,
    ],
    [
      'half the dimension',
      (one) => ({ ...one, dimension: 512 }),
      /"dimension" is 512 .*fixed_size_list:float:1024|1024 components, but bucket_00001 has 512/,
    ],
    ['another type', (one) => ({ ...one, vectorType: 'float16' }), /"vectorType" is "float16"/],
    [
      'partitions that are another number',
      (one) => ({
        ...one,
        index: { ...one.index, partitions: 9 },
        partitions: { ...one.partitions!, count: 9 },
      }),
      /67 partitions, but the catalog says 9/,
    ],
  ])('of an earlier version is refused for %s, by search and verify', async (_, change, match) => {
    await withEntry(earlier(change as never), async () => {
      await expectRefusalHere(argv('scan'), 65, match);
      await expect(runHere(['verify', '--database', database])).rejects.toThrow(match);
    });
  });

  it('of an earlier version is refused after a change of any field, or the hits are the same', async () => {
    const { checksum: _, ...old } = entry as CatalogEntry & { checksum?: string };
    const refused: string[] = [];
    // No search reads these fields; one item represents a long list.
    const unread = /^(steps|software|created|recipe|indexRecipe|index\.parameters|sources)\b|^files\.[3-9]/;
    const fields = fieldsOf(old).filter((path) => !unread.test(path.join('.')));
    for (const path of fields) {
      const value = path.reduce((inside: unknown, key) => (inside as Record<string | number, unknown>)[key], old);
      const others = typeof value === 'number' ? [value + 4] : typeof value === 'string' ? ['x'] : [];
      for (const other of [...others, null]) {
        const name = `${path.join('.')}: ${JSON.stringify(other)}`;
        await withEntry(JSON.stringify(changed(old, path, other)), async () => {
          for (const mode of ['scan', 'exact'])
            try {
              const { bytes } = await searchHere(folder, database, queries, options(mode));
              expect(bytes.equals(answers.get(mode)!), name).toBe(true);
            } catch (error) {
              expect(error, name).toBeInstanceOf(DataError);
              refused.push(name);
            }
        });
      }
    }
    expect(refused.length).toBeGreaterThan(60);
  });

  it('of an earlier version gives the same hits if it is correct', async () => {
    const copy = join(folder, 'copy');
    await cp(database, copy, { recursive: true });
    await rewriteEntry(copy, BUCKET, (one) => one);
    for (const mode of MODES)
      expect((await searchHere(folder, copy, queries, options(mode))).bytes.equals(answers.get(mode)!)).toBe(true);
    await runHere(['verify', '--database', copy]);
  });
});
