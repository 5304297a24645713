import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CRC64 } from '../../../workers/src/base/bytes/checksum.ts';
import { columnFrom } from '../../../workers/src/base/bytes/utf8-column.ts';
import { DataFileWriter } from '../../../workers/src/lance/format/data-file-writer.ts';
import { COMPONENT_BYTES, type VectorType } from '../../../workers/src/vectors/vector-type.ts';
import { readDataFile } from '../../support/data-file.ts';
import { writeLanceTable } from '../../support/lance-table.ts';
import { writeDataFile } from '../../support/own-table.ts';
import { temporaryFolder } from '../../support/run.ts';
import { type Rows, randomRows } from '../../support/shards.ts';

/** Ids of up to 100,000 bytes, some empty, with characters of one to four bytes. */
const UNUSUAL = ['', 'a', 'é', '蛋白质', '𝛼🧬', 'q"\\\n\u0000\t', '', 'x'.repeat(100_000)];

function rowsOf(count: number, dimension: number, id = (row: number) => `p${row}`): Rows {
  return { ...randomRows(1, count, dimension), ids: Array.from({ length: count }, (_, row) => id(row)) };
}

async function bytesOfLance(rows: Rows, type: VectorType): Promise<Buffer> {
  const folder = await temporaryFolder();
  await writeLanceTable(folder, 't', rows, type, [rows.ids.length]);
  const data = join(folder, 't.lance/data');
  const [file] = await readdir(data);
  return readFile(join(data, file!));
}

describe('DataFileWriter', () => {
  it.each<[string, Rows, VectorType]>([
    ['one row of one component', rowsOf(1, 1), 'float32'],
    ['one row without an id', rowsOf(1, 3, () => ''), 'float16'],
    ['odd rows', rowsOf(1001, 7), 'float32'],
    ['odd rows in float16', rowsOf(1001, 7), 'float16'],
    ['rows of 960 components', rowsOf(2000, 960), 'float32'],
    ['rows of 2560 components in float16', rowsOf(300, 2560), 'float16'],
    ['unusual ids', rowsOf(16, 5, (row) => `${UNUSUAL[row % 8]}${row < 8 ? '' : 'é'}`), 'float32'],
  ])('writes %s in the pages and bytes of LanceDB', async (_, rows, type) => {
    const path = join(await temporaryFolder(), 'own.lance');
    writeDataFile(path, rows, type, 130);
    const [own, lance] = [await readFile(path), await bytesOfLance(rows, type)];
    expect(readDataFile(own)).toEqual(readDataFile(lance));
    expect(own.length - lance.length).toBeLessThan(64);
  });

  it.each<VectorType>(['float32', 'float16'])(
    'returns the range of %s vectors, and the checksums of the file',
    async (type) => {
      const path = join(await temporaryFolder(), 'own.lance');
      const rows = rowsOf(999, 11);
      const written = writeDataFile(path, rows, type, 100);
      const bytes = await readFile(path);
      const vectorBytes = 999 * 11 * COMPONENT_BYTES[type];
      const { offset } = written.vectors;
      const vectors = bytes.subarray(offset, offset + vectorBytes);
      const stored = type === 'float32' ? rows.vectors : new Float16Array(rows.vectors);
      expect(vectors.equals(new Uint8Array(stored.buffer))).toBe(true);
      const rest = Buffer.concat([bytes.subarray(0, offset), bytes.subarray(offset + vectorBytes)]);
      expect(written).toEqual({
        rows: 999,
        bytes: bytes.length,
        checksum: CRC64.format(CRC64.of(bytes)),
        vectors: { offset, bytes: vectorBytes, checksum: CRC64.format(CRC64.of(vectors)) },
        restChecksum: CRC64.format(CRC64.of(rest)),
      });
    },
  );

  it('writes the same file from pieces of any size', async () => {
    const folder = await temporaryFolder();
    const rows = rowsOf(700, 9);
    const files = [1, 64, 333, 700].map((pieceRows) => {
      writeDataFile(join(folder, `${pieceRows}`), rows, 'float32', pieceRows);
      return readFile(join(folder, `${pieceRows}`));
    });
    const [first, ...others] = await Promise.all(files);
    for (const other of others) expect(other.equals(first!)).toBe(true);
  });

  it('refuses more or fewer rows than it was created for, and columns of different lengths', async () => {
    const folder = await temporaryFolder();
    const columns = { vectors: { name: 'embedding', type: 'float32' as const, dimension: 2 }, texts: ['id'] };
    const writer = new DataFileWriter(join(folder, 'a'), columns, 2);
    const id = columnFrom(['x']);
    expect(() => writer.append([new Uint8Array(16)], [id])).toThrow(RangeError);
    expect(() => writer.append([new Uint8Array(7)], [id])).toThrow(RangeError);
    expect(() => writer.append([new Uint8Array(8)], [])).toThrow(RangeError);
    writer.append([new Uint8Array(8)], [id]);
    expect(() => writer.finish()).toThrow(RangeError);
    expect(() => writer.append([new Uint8Array(16)], [columnFrom(['y', 'z'])])).toThrow(RangeError);
    writer.append([new Uint8Array(8)], [columnFrom(['y'])]);
    expect(writer.finish().rows).toBe(2);
    expect(() => new DataFileWriter(join(folder, 'a'), columns, 2)).toThrow(/EEXIST/);
  });
});
