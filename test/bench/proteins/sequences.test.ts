import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import {
  BEST_FILE,
  formatBest,
  parseBest,
  readBest,
  readExcluded,
  readHashes,
} from '../../../bench/proteins/labels.ts';
import { formatFasta, parseFasta, parseStockholm } from '../../../bench/proteins/sequences.ts';
import { SOURCES } from '../../../bench/proteins/sources.ts';
import { ecNumber, geneName, shuffle } from '../../../bench/proteins/tasks.ts';

it('reads FASTA with accessions as ids', () => {
  const text = '>tr|A7TBS3|A7TBS3_NEMVE Predicted protein\nMKV\nLLA\n>EG10 2.7.7.7~~~polA~~~DNA polymerase\nMM\n';
  const proteins = parseFasta(text);
  expect(proteins).toEqual([
    { id: 'A7TBS3', description: 'Predicted protein', sequence: 'MKVLLA' },
    { id: 'EG10', description: '2.7.7.7~~~polA~~~DNA polymerase', sequence: 'MM' },
  ]);
  expect(parseFasta(formatFasta(proteins)).map(({ sequence }) => sequence)).toEqual(['MKVLLA', 'MM']);
});

it('reads the rows of a Stockholm alignment, in blocks, without gaps', () => {
  const text = '# STOCKHOLM 1.0\n#=GF ID fn3\n\nA/1-4  MK..v\nB/2-3  --MK-\n#=GC RF xx\n\nA/1-4  L~\nB/2-3  .A\n//\n';
  expect(parseStockholm(text).map(({ id, sequence }) => [id, sequence])).toEqual([
    ['A/1-4', 'MKVL'],
    ['B/2-3', 'MKA'],
  ]);
});

it.each([
  ['2.7.7.7~~~polA~~~DNA polymerase', '2.7.7.7', 'polA'],
  ['3.6.1.-~~~~~~helicase', undefined, undefined],
  ['5.99.1.2~~~topB_1~~~DNA topoisomerase 3', '5.99.1.2', 'topB'],
  ['~~~chpB~~~toxin', undefined, 'chpB'],
])('labels of %j', (header, ec, gene) => {
  expect([ecNumber(header), geneName(header)]).toEqual([ec, gene]);
});

it('shuffles the residues by a seed', () => {
  const sequence = 'MKTAYIAKQRQISFVKSHFSRQ';
  const [first, again, other] = [shuffle(sequence, 1), shuffle(sequence, 1), shuffle(sequence, 2)];
  expect([first === again, first === other, first === sequence]).toEqual([true, false, false]);
  expect([...first].sort()).toEqual([...sequence].sort());
});

it('the checked-in labels are complete and read back as they were written', async () => {
  const best = await readBest();
  expect(formatBest(parseBest(formatBest(best)))).toBe(await readFile(BEST_FILE, 'utf8'));
  expect(best.size).toBe(500);
  for (const [query, homolog] of best) {
    if (homolog === undefined) continue;
    expect(homolog.targets, query).not.toContain(query);
    expect(homolog.identity * homolog.coverage, query).toBeGreaterThan(0);
  }
  expect([...(await readHashes()).keys()]).toEqual(SOURCES.map((parts) => parts.join('/')));
  expect((await readExcluded()).size).toBeGreaterThan(0);
});
