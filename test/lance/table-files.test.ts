import { expect, it } from 'vitest';
import { unnamedFiles } from '../../workers/src/lance/table-files.ts';

const named = ['data/a.lance', '_indices/1/index.idx', '_transactions/1-a.txn', '_versions/9.manifest'];
const files = named.map((path) => ({ path, bytes: 1, checksum: '' }));
const sizes = (...more: string[]) => new Map([...named, ...more].map((path) => [path, 1]));

it('a table does not have data and index files that it does not name', () => {
  expect(unnamedFiles(sizes(), files)).toEqual([]);
  const more = ['data/b.lance', '_indices/2/auxiliary.idx'];
  expect(unnamedFiles(sizes(...more, '_transactions/0-b.txn'), files)).toEqual(more);
});

it('another version of a table may have such files', () => {
  expect(unnamedFiles(sizes('data/b.lance', '_versions/8.manifest'), files)).toEqual([]);
});
