import { describe, expect, it } from 'vitest';
import type { Column } from '../../../workers/src/base/columns/column-type.ts';
import { DataError, UsageError } from '../../../workers/src/base/errors.ts';
import { askedColumns } from '../../../workers/src/database/catalog/asked-columns.ts';
import { ENTRY } from '../../support/catalog.ts';

const sequence: Column = { name: 'sequence', type: 'utf8' };
const description: Column = { name: 'description', type: 'utf8' };
const taxon: Column = { name: 'taxon', type: 'int64' };

const ask = (columns: Column[], names: readonly string[], withFasta: boolean) =>
  askedColumns(
    'db',
    [
      { ...ENTRY, columns },
      { ...ENTRY, bucket: 'bucket_00002' },
    ],
    names,
    withFasta,
  );

describe('askedColumns', () => {
  it('fetches what is asked, then what FASTA needs, each once', () => {
    const all = [description, sequence, taxon];
    expect(ask(all, ['taxon'], false)).toEqual({ added: [taxon], fetched: [taxon] });
    expect(ask(all, [], true)).toEqual({ added: [], fetched: [sequence, description] });
    const asked = { added: [taxon, sequence], fetched: [taxon, sequence, description] };
    expect(ask(all, ['taxon', 'sequence'], true)).toEqual(asked);
    expect(ask([sequence], [], true)).toEqual({ added: [], fetched: [sequence] });
  });

  it('writes no numbers into FASTA', () => {
    const numbered: Column = { name: 'description', type: 'float64' };
    expect(ask([numbered, sequence], [], true)).toEqual({ added: [], fetched: [sequence] });
    const both = { added: [numbered], fetched: [numbered, sequence] };
    expect(ask([numbered, sequence], ['description'], true)).toEqual(both);
    expect(() => ask([{ name: 'sequence', type: 'int64' }], [], true)).toThrow(DataError);
  });

  it('refuses what no bucket has, and nothing', () => {
    expect(() => ask([taxon], ['family'], false)).toThrow(UsageError);
    expect(() => ask([taxon], [], true)).toThrow(/column sequence \(its columns: taxon\)/);
    expect(() => ask([taxon], [], false)).toThrow(/Name what to fetch/);
  });
});
