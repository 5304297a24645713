import { DataType, type RecordBatch, type Schema, tableFromIPC, type Vector } from 'apache-arrow';
import { ParquetFile } from 'parquet-wasm';
import { decodeFloat16 } from '../base/bytes/float16.ts';
import { columnFrom } from '../base/bytes/utf8-column.ts';
import { catchTraps } from '../base/concurrency/catch-traps.ts';
import { toUserError, UserError } from '../base/errors.ts';
import { MAX_DIMENSION } from '../base/limits.ts';
import type { Keep } from '../shard/columns/keep.ts';
import { idCheck } from '../shard/columns/text-checks.ts';
import type { NumberArray } from '../shard/layouts/float32-rounding.ts';
import { convertedNote, tableNote } from '../shard/layouts/layout-messages.ts';
import { placeInRows, type RowRounder, rowRounder } from '../shard/layouts/row-rounder.ts';
import * as messages from './import-messages.ts';
import { cellReader, keptColumns, type ParquetColumn } from './parquet-columns.ts';
import { openWithoutHints } from './parquet-hints.ts';
import { isTextType, isVectorType } from './parquet-types.ts';
import type { SourceBlock, VectorSource } from './vector-source.ts';

const BATCH_ROWS = 2048;
/** Names that decide between several columns. */
const VECTOR_NAMES = ['embedding', 'embeddings', 'vector', 'vectors'];
const PANDAS_INDEX = '__index_level_0__';
const ID_NAMES = ['id', 'ids', 'name', 'accession', 'protein_id', 'protein', PANDAS_INDEX];

/** The columns of a file that are read. */
interface Columns {
  vectors: string;
  ids: string;
  dimension: number;
  kept: readonly ParquetColumn[];
}

/**
 * Opens a Parquet file with a column of lists of numbers, and one of texts or, under a usual name, of integers.
 * @param keep the columns to read beside them
 * @throws DataError if it has none, or is damaged
 */
export async function openParquet(path: string, keep: Keep): Promise<VectorSource> {
  const file = await guard(path, async () => ParquetFile.fromFile(await openWithoutHints(path)));
  const rows = await guard(path, async () => file.metadata().fileMetadata().numRows());
  if (rows === 0) throw messages.noRows(path);
  const first = await firstBatch(file, path);
  const { schema } = first;
  const vectors = choose(path, schema, 'lists of numbers', VECTOR_NAMES, isVectorType);
  const ids = chooseIds(path, schema);
  const dimension = vectorAt(path, first.getChild(vectors)!, vectors, 0, 0).length;
  if (dimension === 0 || dimension > MAX_DIMENSION)
    throw messages.badParquetRow(path, vectors, 0, 'is empty or too long');
  const element = elementOf(schema, vectors);
  const notes = /^Float(16|32)$/.test(element) ? [] : [convertedNote(path, element.toLowerCase())];
  const idType = typeOf(schema, ids);
  if (DataType.isInt(idType)) notes.unshift(messages.numericIdsNote(path, `${idType}`.toLowerCase()));
  if (vectors !== VECTOR_NAMES[0] || ids !== ID_NAMES[0]) notes.unshift(tableNote(path, vectors, ids));
  const onNote = (note: string) => void notes.push(note);
  const kept = await withNulls(file, path, schema, keptColumns(path, schema, [vectors, ids], keep));
  const readers: Readers = {
    round: rowRounder(path, onNote),
    cells: kept.map((column) => cellReader(path, column, onNote)),
  };
  return {
    ...{ rows, dimension, attributes: {} },
    columns: kept.map(({ name, type }) => ({ name, type })),
    vectorType: element === 'Float16' ? 'float16' : 'float32',
    notes,
    blocks: () => readBlocks(file, path, { vectors, ids, dimension, kept }, readers),
    async [Symbol.asyncDispose]() {
      try {
        file.free();
      } catch {
        // After a failure the decoder may still hold the file. The failure is the error to report.
      }
    },
  };
}

/** Reads the first row, with all columns. */
async function firstBatch(file: ParquetFile, path: string): Promise<RecordBatch> {
  for await (const batch of batchesOf(file, path, undefined, 1)) if (batch.numRows > 0) return batch;
  throw messages.noRows(path);
}

/** Stores integers of which some are missing as float64: the values are read once before, because a shard's types are known first. */
async function withNulls(
  file: ParquetFile,
  path: string,
  schema: Schema,
  kept: readonly ParquetColumn[],
): Promise<ParquetColumn[]> {
  const isNullable = (column: string) => schema.fields.find(({ name }) => name === column)!.nullable;
  const asked = kept.filter(({ name, type }) => type === 'int64' && isNullable(name)).map(({ name }) => name);
  const missing = new Set<string>();
  if (asked.length > 0)
    for await (const batch of batchesOf(file, path, asked, BATCH_ROWS))
      for (const name of asked) if (batch.getChild(name)!.nullCount > 0) missing.add(name);
  return kept.map((column) => (missing.has(column.name) ? { ...column, type: 'float64', isWidened: true } : column));
}

/** How values become those of a shard. */
interface Readers {
  round: RowRounder;
  /** Of each kept column. */
  cells: ReadonlyArray<ReturnType<typeof cellReader>>;
}

async function* readBlocks(
  file: ParquetFile,
  path: string,
  columns: Columns,
  { round, cells }: Readers,
): AsyncGenerator<SourceBlock> {
  const { dimension } = columns;
  const names = [columns.vectors, columns.ids, ...columns.kept.map(({ name }) => name)];
  let start = 0;
  for await (const batch of batchesOf(file, path, names, BATCH_ROWS)) {
    const vectors = new Float32Array(batch.numRows * dimension);
    const texts: string[] = [];
    const idColumn = batch.getChild(columns.ids)!;
    const vectorColumn = batch.getChild(columns.vectors)!;
    for (let row = 0; row < batch.numRows; row++) {
      const vector = vectorAt(path, vectorColumn, columns.vectors, row, start + row);
      if (vector.length !== dimension)
        throw messages.badParquetRow(
          path,
          columns.vectors,
          start + row,
          `has ${vector.length} components, not ${dimension}`,
        );
      const into = vectors.subarray(row * dimension, (row + 1) * dimension);
      round(vector, into, placeInRows(start + row, dimension));
      texts.push(textOf(idColumn.get(row)));
    }
    const ids = columnFrom(texts);
    idCheck(path)(ids, start);
    const kept = columns.kept.map(({ name }, i) => cells[i]!(batch.getChild(name)!, start));
    yield { vectors, ids, kept };
    start += batch.numRows;
  }
}

/** Reads batches of rows: the file's row groups are decoded one at a time. @throws DataError */
async function* batchesOf(
  file: ParquetFile,
  path: string,
  columns: string[] | undefined,
  batchSize: number,
): AsyncGenerator<RecordBatch> {
  const stream = await guard(path, () => file.stream({ batchSize, ...(columns && { columns }) }));
  const reader = stream.getReader();
  let hasStoppedEarly = false;
  try {
    for (;;) {
      const batches = await guard(path, async () => {
        const { value, done } = await reader.read();
        return done ? undefined : tableFromIPC(value.intoIPCStream()).batches;
      });
      if (!batches) return;
      hasStoppedEarly = true;
      yield* batches;
      hasStoppedEarly = false;
    }
  } finally {
    // Not after a failure: a decoder that failed may never answer.
    if (hasStoppedEarly) await reader.cancel().catch(() => {});
  }
}

/** Runs a call of the library, whose errors are texts. @throws DataError, or the error of the system */
async function guard<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await catchTraps(call);
  } catch (error) {
    const known = toUserError(error);
    if (known instanceof UserError) throw known;
    const reason = error instanceof Error ? error.message : String(error);
    throw messages.badParquet(path, reason, error);
  }
}

/** Integers are ids only under a usual name; the index of pandas only where nothing else is text. */
function chooseIds(path: string, schema: Schema): string {
  const fields = schema.fields.map(({ name, type }) => ({
    name,
    isText: isTextType(type),
    isNumber: DataType.isInt(type),
  }));
  const names = fields.some(({ isText }) => isText) ? ID_NAMES.filter((name) => name !== PANDAS_INDEX) : ID_NAMES;
  const isUsual = (name: string) => fields.some((field) => field.name === name && (field.isText || field.isNumber));
  const hasUsualText = fields.some(({ name, isText }) => isText && ID_NAMES.includes(name));
  const numbers = hasUsualText ? undefined : names.find(isUsual);
  return numbers ?? choose(path, schema, 'texts, the ids', ID_NAMES, isTextType);
}

/** Returns the text of an id; empty where it is missing. */
function textOf(id: unknown): string {
  return id === null ? '' : String(id);
}

function choose(
  path: string,
  schema: Schema,
  what: string,
  names: readonly string[],
  isOne: (type: DataType) => boolean,
): string {
  const columns = schema.fields.map(({ name, type }) => `${JSON.stringify(name)} ${type}`);
  const fitting = schema.fields.filter(({ type }) => isOne(type)).map(({ name }) => name);
  if (fitting.length === 0) throw messages.noParquetColumn(path, what, columns);
  const usual = names.find((name) => fitting.includes(name));
  // Another column that fits may be anything: sequences beside a column `id` of dates.
  const wrong = schema.fields.find(({ name }) => names.includes(name));
  if (usual === undefined && wrong) throw messages.wrongParquetColumn(path, wrong.name, `${wrong.type}`, what);
  if (usual === undefined && fitting.length > 1) throw messages.severalParquetColumns(path, what, names[0]!, columns);
  return usual ?? fitting[0]!;
}

function typeOf(schema: Schema, column: string): DataType {
  return schema.fields.find(({ name }) => name === column)!.type;
}

function elementOf(schema: Schema, column: string): string {
  return `${typeOf(schema, column).children[0]!.type}`;
}

/** Returns the vector of a row. @param fileRow its number in the file @throws DataError where it is missing */
function vectorAt(path: string, vectors: Vector, column: string, row: number, fileRow: number): NumberArray {
  const vector = vectors.get(row) as Vector | null;
  if (vector === null) throw messages.badParquetRow(path, column, fileRow, 'is missing');
  if (vector.nullCount > 0) throw messages.badParquetRow(path, column, fileRow, 'has components that are missing');
  const numbers: unknown = vector.toArray();
  if (numbers instanceof Uint16Array && `${vector.type}` === 'Float16') {
    const decoded = new Float32Array(numbers.length);
    decodeFloat16(numbers, decoded, numbers.length);
    return decoded;
  }
  return numbers as NumberArray;
}
