import { expect, it } from 'vitest';
import { unnamedFiles } from '../../workers/src/lance/table-files.ts';

const named = ['data/a.lance', '_indices/1/index.idx', '_transactions/1-a.txn', '_versions/9.manifest'];
const files = named.map((path) => ({ path, bytes: 1, checksum: '' }));
const sizes = (...more: string[]) => new Map([...named, ...more].map((path) => [path, 1]));

it('a table does not have data and index files that it does not name', () => {
  expect(unnamedFiles(sizes(), files, [])).toEqual([]);
  const more = ['data/b.lance', '_indices/2/auxiliary.idx'];
  expect(unnamedFiles(sizes(...more, '_transactions/0-b.txn'), files, [])).toEqual(more);
});

it('files that other clients keep beside data and indices are theirs', () => {
  const others = ['_deletions/0-1-2.arrow', '_refs/tags/a.json', 'tree/b/_versions/1.manifest'];
  expect(unnamedFiles(sizes(...others), files, [])).toEqual([]);
});

it('another version has the data files that its manifest names, and may have any index files', () => {
  const fragment = {
    id: 0,
    rows: 1,
    hasDeletions: false,
    deletions: undefined,
    rest: '',
    files: [{ path: 'b.lance', columns: [0] }],
  };
  const more = ['data/b.lance', 'data/c.lance', '_indices/2/index.idx', '_versions/8.manifest'];
  expect(unnamedFiles(sizes(...more), files, [{ fragments: [fragment] }])).toEqual(['data/c.lance']);
});
