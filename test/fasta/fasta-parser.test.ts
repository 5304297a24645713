import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { columnTexts } from '../../workers/src/base/bytes/utf8-column.ts';
import { DataError } from '../../workers/src/base/errors.ts';
import { MAX_HEADER_BYTES, MAX_ID_BYTES, MAX_SEQUENCE_LETTERS } from '../../workers/src/base/limits.ts';
import { FastaParser } from '../../workers/src/fasta/fasta-parser.ts';

interface Read {
  records: Array<[id: string, sequence: string]>;
  /** First record and size of each batch. */
  batches: Array<[first: number, count: number]>;
}

/** Parses a text that comes in pieces of `pieceBytes`. */
function parse(text: string | Uint8Array, { pieceBytes = 1 << 20, records = 4096, residues = 1 << 20 } = {}): Read {
  const parser = new FastaParser('x.fa', { records, residues });
  const read: Read = { records: [], batches: [] };
  const take = () => {
    const batch = parser.take();
    if (!batch) return;
    const ids = columnTexts(batch.ids);
    expect(ids).toHaveLength(batch.sequences.length);
    expect(batch.residues).toBe(batch.sequences.join('').length);
    read.batches.push([batch.firstRecord, ids.length]);
    read.records.push(...ids.map((id, i): [string, string] => [id, batch.sequences[i]!]));
  };
  const bytes = Buffer.from(text as string);
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    const piece = Buffer.from(bytes.subarray(start, start + pieceBytes));
    for (let at = 0; at < piece.length; ) {
      at = parser.push(piece, at);
      if (parser.isFull) take();
    }
    // Readers reuse their buffer.
    piece.fill(0);
  }
  parser.end();
  take();
  return read;
}

function errorOf(text: string | Uint8Array, options?: { pieceBytes: number }): string {
  try {
    parse(text, options);
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return (error as Error).message;
  }
  throw new Error('no error');
}

describe('reading FASTA', () => {
  test('takes the first word of the header as id and joins lines, whatever their ends and case', () => {
    const text = '>sp|P1|A_B some text > more\r\nMKta\r\n\r\nyi ak\t\r\n>\t b"2\',é two\nACDX*\n\n>c\n-a.*c**';
    expect(parse(text).records).toEqual([
      ['sp|P1|A_B', 'MKTAYIAK'],
      ['b"2\',é', 'ACDX'],
      ['c', '-A.*C*'],
    ]);
  });

  test('allows blank lines and a byte order mark before the first header', () => {
    expect(parse('\n \r\n>a\nM\n').records).toEqual([['a', 'M']]);
    expect(parse('\ufeff>a\nM', { pieceBytes: 1 }).records).toEqual([['a', 'M']]);
  });

  test('ids of 10 kB and headers of 100 kB are fine', () => {
    const id = 'é'.repeat(5000);
    expect(parse(`>${id} ${'x'.repeat(100_000)}\nM\n>b\nK`, { pieceBytes: 777 }).records).toEqual([
      [id, 'M'],
      ['b', 'K'],
    ]);
  });

  test('ids, headers and sequences may be as long as their limits, and not longer', () => {
    const id = 'i'.repeat(MAX_ID_BYTES);
    expect(parse(`>${id}\nM`).records).toEqual([[id, 'M']]);
    expect(errorOf(`>${id}i\nM`)).toContain(`..."): its id has more than ${MAX_ID_BYTES} bytes.`);
    const header = `a${' '.repeat(MAX_HEADER_BYTES - 1)}`;
    expect(parse(`>${header}\nM`).records).toEqual([['a', 'M']]);
    expect(errorOf(`>${header}x\nM`)).toBe(
      `x.fa: record 1 ("a"): its header has more than ${MAX_HEADER_BYTES} bytes. Is a line break missing?`,
    );
    const sequence = 'M'.repeat(MAX_SEQUENCE_LETTERS);
    expect(parse(`>a\n${sequence}*`).records[0]![1] === sequence).toBe(true);
    expect(errorOf(`>a\n${sequence}\nM\n>b\nK`)).toBe(
      `x.fa: record 1 ("a"): its sequence has more than ${MAX_SEQUENCE_LETTERS} letters. Is a header line missing?`,
    );
  });

  test('a batch ends when its ids are long', () => {
    const text = Array.from({ length: 20 }, (_, i) => `>${`${i}`.padEnd(MAX_ID_BYTES, 'i')}\nM\n`).join('');
    expect(parse(text).batches).toEqual([
      [1, 16],
      [17, 4],
    ]);
  });

  test('^A, which separates the headers of identical proteins, ends an id', () => {
    expect(parse('>WP_1.1 kinase\x01WP_2.1 kinase\nM\n>WP_3.1\x01XP_4.1\nK\n>\x01WP_5.1\nA').records).toEqual([
      ['WP_1.1', 'M'],
      ['WP_3.1', 'K'],
      ['WP_5.1', 'A'],
    ]);
  });

  test('lines may end with carriage returns alone, as in files of old Macs, wherever pieces end', () => {
    const text = '>a one\rMKT\rAYI\r>b\rACD\r';
    const expected = [
      ['a', 'MKTAYI'],
      ['b', 'ACD'],
    ];
    for (let pieceBytes = 1; pieceBytes <= text.length; pieceBytes++)
      for (const before of ['', '\r\r', ';comment\r', '\ufeff']) {
        expect(parse(before + text, { pieceBytes }).records).toEqual(expected);
        expect(parse((before + text).replaceAll('\r', '\r\n'), { pieceBytes }).records).toEqual(expected);
        expect(parse((before + text).replaceAll('\r', '\n'), { pieceBytes }).records).toEqual(expected);
      }
    expect(errorOf('>a\rMKT\r>b\rM1\r')).toContain('record 2 ("b"): "1" at position 2 of its sequence (line 4)');
  });

  test('files of both kinds that were concatenated; a stray carriage return in a header is a space', () => {
    expect(parse('>a\nMK\n>b some\rtext\nAC\n').records[1]).toEqual(['b', 'AC']);
    expect(parse('>a\nMK\rV\r>b\rAC\r>c\r\nD').records).toEqual([
      ['a', 'MKV'],
      ['b', 'AC'],
      ['c', 'D'],
    ]);
  });

  test('lines that start with ";" are comments, before and between records and inside them', () => {
    const text = ';first > x\n\n>a\n;note\nMK\n;\nT\n; last\n>b\nAC\n;end';
    for (const pieceBytes of [1, 2, 3, 100])
      expect(parse(text, { pieceBytes }).records).toEqual([
        ['a', 'MKT'],
        ['b', 'AC'],
      ]);
    expect(errorOf('>a\nM;K\n')).toContain('";" at position 2');
    expect(errorOf(';only\n')).toBe('x.fa: no sequences: the file is empty.');
    expect(errorOf(';x\nMK\n')).toContain('line 2 comes before the first header');
  });

  test('NULs and ^Z after the last line are padding, and only there', () => {
    for (const end of ['\x1a', '\n\x1a', '\r\n\x1a\r\n', '\0\0\0', '\n\0\x1a\0\n'])
      for (const pieceBytes of [1, 4, 100])
        expect(parse(`>a\nMK${end}`, { pieceBytes }).records).toEqual([['a', 'MK']]);
    for (const pieceBytes of [1, 100]) {
      expect(errorOf('>a\nMK\0\0\n>b\nAC\n', { pieceBytes })).toContain(
        'byte 0x0 at position 3 of its sequence (line 2)',
      );
      expect(errorOf('>a\nMK\n\x1aT', { pieceBytes })).toContain('byte 0x1a at position 3 of its sequence (line 3)');
      expect(errorOf('\0\0>a\nMK\n', { pieceBytes })).toContain('line 1 comes before the first header');
      // A failed copy can leave such files.
      expect(errorOf('\0\0\x1a', { pieceBytes })).toContain('line 1 comes before the first header');
    }
    expect(errorOf(`>a\nMK\n${'\0'.repeat(70_000)}`)).toContain('byte 0x0 at position 3 of its sequence (line 3)');
  });

  test('batches are cut by records and by residues, and know their first record', () => {
    const text = Array.from({ length: 10 }, (_, i) => `>r${i}\n${'M'.repeat(i === 4 ? 50 : 5)}\n`).join('');
    expect(parse(text, { records: 4 }).batches).toEqual([
      [1, 4],
      [5, 4],
      [9, 2],
    ]);
    expect(parse(text, { residues: 10 }).batches).toEqual([
      [1, 2],
      [3, 2],
      [5, 1],
      [6, 2],
      [8, 2],
      [10, 1],
    ]);
  });

  test('does not depend on the boundaries of pieces and batches', () => {
    const word = fc.array(fc.constantFrom(...'abcé|,"\''), { minLength: 1, maxLength: 8 }).map((c) => c.join(''));
    const line = fc.array(fc.constantFrom(...'MKTAYIAKQRmkt-.*'), { maxLength: 12 }).map((c) => c.join(''));
    const record = fc.tuple(word, fc.array(line, { maxLength: 4 }), fc.constantFrom('\n', '\r\n'));
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 5 }),
        (parts, pieceBytes, records) => {
          const text = parts.map(([id, lines, end]) => [`>${id} d`, 'M', ...lines, ''].join(end)).join('');
          const expected = parts.map(([id, lines]) => [id, `M${lines.join('')}`.toUpperCase().replace(/\*$/, '')]);
          expect(parse(text, { pieceBytes, records }).records).toEqual(expected);
        },
      ),
    );
  });
});

describe('invalid FASTA', () => {
  test('names the record, the letter and its position', () => {
    const allowed = 'Allowed are A-Z, "*", "-" and ".".';
    expect(errorOf('>a\nMKT\n>b x\nMKT\nAC7D\n')).toBe(
      `x.fa: record 2 ("b"): "7" at position 6 of its sequence (line 5) is not a protein letter. ${allowed}`,
    );
    expect(errorOf('>a\nMé')).toContain('byte 0xc3 at position 2 of its sequence (line 2)');
    expect(errorOf('>a\nM>K')).toContain('">" at position 2');
    expect(errorOf('>a\nM@K', { pieceBytes: 1 })).toContain('"@" at position 2');
    expect(errorOf('>a\n >b\nM')).toContain('">" at position 1 of its sequence (line 2)');
  });

  test('an empty file, or only blank lines', () => {
    expect(errorOf('')).toBe('x.fa: no sequences: the file is empty.');
    expect(errorOf('\n\r\n \n')).toBe('x.fa: no sequences: the file is empty.');
  });

  test('data before the first header', () => {
    expect(errorOf('\nMKT\n>a\nMKT')).toBe(
      'x.fa: line 2 comes before the first header. A FASTA file starts with a line ">id".',
    );
    expect(errorOf('@read\nACGT\n+\nIIII\n')).toContain('line 1 comes before the first header');
    expect(errorOf(Buffer.from([0, 1, 2]))).toContain('line 1 comes before the first header');
  });

  test('headers without an id, or with an invalid one', () => {
    expect(errorOf('>a\nM\n>\nM')).toBe('x.fa: record 2 (line 3) has a header without an id. A header is ">id".');
    expect(errorOf('>a\nM\n>  \r\nM')).toContain('record 2 (line 3) has a header without an id');
    expect(errorOf(Buffer.from('>a\xe9\nM', 'latin1'))).toContain('record 1 ("a\ufffd"): its id is not UTF-8');
    for (const [control, name] of [
      ['\0', 'U+0000'],
      ['\x02', 'U+0002'],
      ['\b', 'U+0008'],
      ['\x1b', 'U+001B'],
      ['\x7f', 'U+007F'],
      ['\x80', 'U+0080'],
      ['\x9b', 'U+009B'],
    ] as const)
      expect(errorOf(`>a\nM\n>a${control}b c\nM`)).toContain(
        `x.fa: record 2 (${JSON.stringify(`a${control}b`)}): its id has the control character ${name}`,
      );
    expect(parse('>\xa0\x09\nM\n>a b\x1b\x9b\nK').records).toEqual([
      ['\xa0', 'M'],
      ['a', 'K'],
    ]);
  });

  test('empty sequences, wherever they are', () => {
    for (const text of ['>a\nM\n>b\n>c\nM', '>a\nM\n>b\n', '>a\nM\n>b', '>a\nM\n>b\n \r\n*\n>c\nM'])
      expect(errorOf(text), text).toBe(
        'x.fa: record 2 ("b"): its sequence is empty. Remove the record or complete it.',
      );
  });

  test('a long id is shortened in the message', () => {
    expect(errorOf(`>${'x'.repeat(10_000)}\n1`)).toContain(`record 1 ("${'x'.repeat(80)}..."): "1" at position 1`);
  });
});

describe('records without residues', () => {
  test('are skipped where the caller asks for it, and the others keep their numbers', () => {
    const skipped: unknown[] = [];
    const parser = new FastaParser('x.fa', {
      ...{ records: 2, residues: 1000 },
      onSkipped: (each) => {
        skipped.push(each);
      },
    });
    const piece = Buffer.from('>a\n*\n>b\nM\n>c\n*\n>d\n*\n>e\nK\n>f\nA\n>g\n*');
    const firsts: unknown[] = [];
    const take = () => {
      const batch = parser.take();
      if (batch) firsts.push([batch.firstRecord, columnTexts(batch.ids), batch.sequences]);
    };
    for (let at = 0; at < piece.length; take()) at = parser.push(piece, at);
    parser.end();
    take();
    expect(skipped).toEqual([
      { file: 'x.fa', record: 1, id: 'a' },
      { file: 'x.fa', record: 3, id: 'c' },
      { file: 'x.fa', record: 4, id: 'd' },
      { file: 'x.fa', record: 7, id: 'g' },
    ]);
    expect(firsts).toEqual([
      [2, ['b'], ['M']],
      [5, ['e', 'f'], ['K', 'A']],
    ]);
  });

  test('a record that ends after its header is refused in any case: it may be incomplete', () => {
    const parser = new FastaParser('x.fa', { records: 9, residues: 9, onSkipped: () => {} });
    parser.push(Buffer.from('>a\n*\n>b\n'), 0);
    expect(() => parser.end()).toThrow('x.fa: record 2 ("b"): its sequence is empty');
  });
});
