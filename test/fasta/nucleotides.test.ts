import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FastaParser } from '../../workers/src/fasta/fasta-parser.ts';
import { findNucleotides } from '../../workers/src/fasta/nucleotides.ts';

const lettersOf = (alphabet: string, minLength: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength: 300 });

test('genes are recognized, of any composition, with unknown letters, as DNA and as RNA', () => {
  for (const alphabet of ['ACGT', 'ACGU', 'AATTCG', 'GGCCAT', 'ACGTN', 'ACGTACGTACGTACGTACGTACGTR'])
    fc.assert(
      fc.property(lettersOf(alphabet, 200), (sequence) => {
        const each =
          [...'ACG'].every((letter) => sequence.split(letter).length > 7) && /[TU].*[TU].*[TU].*[TU]/.test(sequence);
        fc.pre(each && sequence.replaceAll(/[NR]/g, '').length / sequence.replaceAll('N', '').length > 0.9);
        expect(findNucleotides([sequence])).toBeGreaterThan(0.9);
      }),
    );
});

test('proteins are not, also repetitive ones, short ones, and batches of both', () => {
  const proteins = fc.array(lettersOf('ACDEFGHIKLMNPQRSTVWY', 30), { minLength: 1 });
  fc.assert(
    fc.property(proteins, (sequences) => {
      expect(findNucleotides(sequences)).toBeUndefined();
    }),
  );
  for (const sequence of ['GA'.repeat(100), 'AAT'.repeat(50), 'ACGT', 'GAGAGS'.repeat(50), '', '*', '-'.repeat(80)])
    expect(findNucleotides([sequence]), sequence).toBeUndefined();
  expect(findNucleotides(['ACGT'.repeat(20), 'MKTAYIAKQRQISFVKSHFSRQ'.repeat(10)])).toBeUndefined();
});

test('a file of them is refused with what to do, unless they are allowed', () => {
  const parse = (allowNucleotide: boolean) => {
    const parser = new FastaParser('genes.fna', { records: 9, residues: 9999, allowNucleotide });
    parser.push(Buffer.from(`>g1 gene\n${'ATGGCATTC'.repeat(20)}\n`), 0);
    parser.end();
    return parser.take()?.sequences.length;
  };
  expect(() => parse(false)).toThrow(
    'genes.fna: record 1 ("g1"): its letters, and those of the records after it, are nucleotides (100% A, C, G, T or U), ' +
      'not proteins. Translate the sequences first (prodigal, getorf, transeq). If they are proteins, pass --allow-nucleotide',
  );
  expect(parse(true)).toBe(1);
});
