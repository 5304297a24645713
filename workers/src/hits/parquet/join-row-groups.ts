import {
  addToField,
  numberField,
  readThrift,
  structIn,
  structsIn,
  type ThriftStruct,
  type ThriftValue,
  writeThrift,
} from './pages/thrift.ts';

/**
 * Fields of Parquet's metadata that are used here:
 * https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 */
const FILE = { numRows: 3, rowGroups: 4 } as const;
const ROW_GROUP = { columns: 1, fileOffset: 5, ordinal: 7 } as const;
const COLUMN = {
  ...{ fileOffset: 2, metadata: 3 },
  ...{ offsetIndexOffset: 4, offsetIndexLength: 5, columnIndexOffset: 6, columnIndexLength: 7 },
} as const;
const COLUMN_METADATA = { dataPageOffset: 9, indexPageOffset: 10, dictionaryPageOffset: 11 } as const;
const OFFSET_INDEX = { pages: 1, pageOffset: 1 } as const;

const MAGIC = Buffer.from('PAR1');

/** A column chunk's indexes, and the metadata fields that locate them. */
interface ColumnIndexes {
  column: ThriftStruct;
  columnIndex: Uint8Array;
  offsetIndex: ThriftStruct;
}

/**
 * Joins Parquet files of one schema into one, with the bytes that one writer would have written: it copies the column chunks and
 * shifts the offsets in the metadata. This lets threads encode the row groups of one file.
 */
export class RowGroupJoiner {
  #footer: ThriftStruct | undefined;
  readonly #rowGroups: ThriftStruct[] = [];
  readonly #indexes: ColumnIndexes[] = [];
  #rows = 0;
  #bytes = MAGIC.length;

  /**
   * Adds the row groups of a file.
   * @returns the bytes that come next in the joined file, as a view
   * @throws RangeError if the file is not Parquet
   */
  add(file: Uint8Array): Uint8Array {
    const footer = readFooter(file);
    const groups = structsIn(footer, FILE.rowGroups);
    const isFirst = this.#footer === undefined;
    this.#footer ??= footer;
    this.#rows += numberField(footer, FILE.numRows);
    const end = Math.min(...groups.flatMap((group) => indexStarts(group)), footerStart(file));
    const shift = this.#bytes - MAGIC.length;
    for (const group of groups) {
      addToField(group, ROW_GROUP.fileOffset, shift);
      setField(group, ROW_GROUP.ordinal, this.#rowGroups.length);
      for (const column of structsIn(group, ROW_GROUP.columns)) this.#addColumn(file, column, shift);
      this.#rowGroups.push(group);
    }
    this.#bytes += end - MAGIC.length;
    return file.subarray(isFirst ? 0 : MAGIC.length, end);
  }

  /** Returns the bytes that end the file: indexes and footer. */
  finish(): Uint8Array {
    if (!this.#footer) throw new Error('a Parquet file is joined of at least one');
    const parts: Uint8Array[] = [];
    const append = (bytes: Uint8Array): number => {
      const at = this.#bytes;
      parts.push(bytes);
      this.#bytes += bytes.length;
      return at;
    };
    for (const { column, columnIndex } of this.#indexes)
      setField(column, COLUMN.columnIndexOffset, append(columnIndex));
    for (const { column, offsetIndex } of this.#indexes) {
      const bytes = writeThrift(offsetIndex);
      setField(column, COLUMN.offsetIndexOffset, append(bytes));
      setField(column, COLUMN.offsetIndexLength, bytes.length);
    }
    setField(this.#footer, FILE.numRows, this.#rows);
    const list = this.#footer.fields.get(FILE.rowGroups) as Extract<ThriftValue, { values: ThriftValue[] }>;
    const elementType = this.#rowGroups[0]?.type ?? list.elementType;
    this.#footer.fields.set(FILE.rowGroups, { ...list, elementType, values: this.#rowGroups });
    const footer = writeThrift(this.#footer);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(footer.length);
    for (const bytes of [footer, length, MAGIC]) append(bytes);
    return Buffer.concat(parts);
  }

  #addColumn(file: Uint8Array, column: ThriftStruct, shift: number): void {
    const part = (offset: number, length: number) => {
      const at = numberField(column, offset);
      return file.slice(at, at + numberField(column, length));
    };
    const offsetIndex = readThrift(part(COLUMN.offsetIndexOffset, COLUMN.offsetIndexLength)).value;
    for (const page of structsIn(offsetIndex, OFFSET_INDEX.pages)) addToField(page, OFFSET_INDEX.pageOffset, shift);
    const columnIndex = part(COLUMN.columnIndexOffset, COLUMN.columnIndexLength);
    this.#indexes.push({ column, columnIndex, offsetIndex });
    if (numberField(column, COLUMN.fileOffset) > 0) addToField(column, COLUMN.fileOffset, shift);
    const metadata = structIn(column, COLUMN.metadata);
    for (const field of Object.values(COLUMN_METADATA)) addToField(metadata, field, shift);
  }
}

function setField({ fields }: ThriftStruct, id: number, value: number): void {
  const field = fields.get(id);
  if (field && 'value' in field) fields.set(id, { ...field, value });
}

/** A Parquet file ends with its footer, the footer's length in four bytes, and four letters. */
function footerStart(file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  return file.length - 8 - view.getUint32(file.length - 8, true);
}

function readFooter(file: Uint8Array): ThriftStruct {
  return readThrift(file, footerStart(file)).value;
}

/** Indexes follow the column chunks of all row groups. */
function indexStarts(group: ThriftStruct): number[] {
  return structsIn(group, ROW_GROUP.columns).map((column) => numberField(column, COLUMN.columnIndexOffset));
}
