import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../workers/src/base/random.ts';
import { findText } from '../../../workers/src/lance/format/find-text.ts';
import { writeLanceTable } from '../../support/lance-table.ts';
import { writeDataFile } from '../../support/own-table.ts';
import { temporaryFolder } from '../../support/run.ts';
import { randomRows } from '../../support/shards.ts';

const random = seededRandom(1);
/** Without periods, in which a search of bytes is slow. */
const LONG = Array.from({ length: 120_000 }, () => String.fromCharCode(97 + Math.floor(random() * 26))).join('');

/** Ids that contain each other, are empty, or are long enough for several pages. */
const IDS = [
  'p1',
  'p10',
  '1',
  'p',
  '',
  'it\'s "p1"',
  '蛋白质',
  '蛋白',
  ...Array.from({ length: 60 }, (_, i) => LONG.slice(0, 60_000 + 1000 * i)),
];

/** Counts what is read of a file. */
function counted(bytes: Buffer) {
  const reads = { count: 0, bytes: 0 };
  const read = async (into: Uint8Array, position: number) => {
    reads.count++;
    reads.bytes += into.length;
    expect(bytes.copy(into, 0, position)).toBe(into.length);
  };
  return { source: { size: bytes.length, read }, reads };
}

async function fileOf(ids: string[], dimension = 3): Promise<Buffer> {
  const path = join(await temporaryFolder(), 'own.lance');
  writeDataFile(path, { ...randomRows(1, ids.length, dimension), ids }, 'float32', 7);
  return readFile(path);
}

describe('findText', () => {
  it('finds every id at its first row, and no other', async () => {
    const { source } = counted(await fileOf([...IDS, 'p1', 'p']));
    for (const [row, id] of IDS.entries()) expect(await findText(source, 'id', Buffer.from(id))).toBe(row);
    for (const id of ['p2', '0', 'it', '白质', LONG.slice(0, 60_001), LONG.slice(1), 'p1p10'])
      expect(await findText(source, 'id', Buffer.from(id))).toBe('absent');
  });

  it('finds ids in files of LanceDB too', async () => {
    const folder = await temporaryFolder();
    const ids = Array.from({ length: 300 }, (_, row) => `p${row}`);
    await writeLanceTable(folder, 't', { ...randomRows(1, 300, 4), ids }, 'float16', [300]);
    const [file] = await readdir(join(folder, 't.lance/data'));
    const { source } = counted(await readFile(join(folder, 't.lance/data', file!)));
    expect(await findText(source, 'id', Buffer.from('p30'))).toBe(30);
    expect(await findText(source, 'other', Buffer.from('p30'))).toBe('unknown');
    expect(await findText(source, 'embedding', Buffer.from('p30'))).toBe('unknown');
  });

  it('reads metadata and texts alone where no text has the bytes', async () => {
    const ids = Array.from({ length: 5000 }, (_, row) => `A0A${row}`);
    const { source, reads } = counted(await fileOf(ids, 64));
    expect(await findText(source, 'id', Buffer.from('P69905'))).toBe('absent');
    expect(reads.count).toBe(2);
    expect(reads.bytes).toBeLessThan(Buffer.byteLength(ids.join('')) + 8193);
  });

  it('stops when it is aborted', async () => {
    const { source, reads } = counted(await fileOf(IDS));
    const signal = AbortSignal.abort(new Error('found elsewhere'));
    await expect(findText(source, 'id', Buffer.from('p2'), { signal })).rejects.toThrow('found elsewhere');
    expect(reads.count).toBe(1);
  });
});
