import { openAsBlob } from 'node:fs';
import { DataType, type RecordBatch, type Schema, Type, tableFromIPC, type Vector } from 'apache-arrow';
import { ParquetFile } from 'parquet-wasm';
import { decodeFloat16 } from '../base/bytes/float16.ts';
import { columnFrom } from '../base/bytes/utf8-column.ts';
import { catchTraps } from '../base/concurrency/catch-traps.ts';
import { toUserError, UserError } from '../base/errors.ts';
import { MAX_DIMENSION } from '../base/limits.ts';
import { checkIds } from '../shard/id-reader.ts';
import { convertedNote, tableNote } from '../shard/layouts/layout-messages.ts';
import * as messages from './import-messages.ts';
import type { SourceBlock, VectorSource } from './vector-source.ts';

export const PARQUET_SIGNATURE = Buffer.from('PAR1');
const BATCH_ROWS = 2048;
/** Names that decide between several columns. */
const VECTOR_NAMES = ['embedding', 'embeddings', 'vector', 'vectors'];
const ID_NAMES = ['id', 'ids', 'name', 'accession', 'protein_id', 'protein', '__index_level_0__'];

/** Opens a Parquet file with a column of lists of numbers and one of texts. @throws DataError if it has none, or is damaged */
export async function openParquet(path: string): Promise<VectorSource> {
  const file = await guard(path, async () => ParquetFile.fromFile(await openAsBlob(path)));
  const rows = await guard(path, async () => file.metadata().fileMetadata().numRows());
  if (rows === 0) throw messages.noRows(path);
  const first = await firstBatch(file, path);
  const { schema } = first;
  const vectors = choose(path, schema, 'lists of numbers', VECTOR_NAMES, isVectorType);
  const ids = choose(path, schema, 'texts, the ids', ID_NAMES, isTextType);
  const dimension = vectorAt(path, first.getChild(vectors)!, vectors, 0, 0).length;
  if (dimension === 0 || dimension > MAX_DIMENSION)
    throw messages.badParquetRow(path, vectors, 0, 'is empty or too long');
  const element = elementOf(schema, vectors);
  const notes = /^Float(16|32)$/.test(element) ? [] : [convertedNote(path, element.toLowerCase())];
  if (vectors !== VECTOR_NAMES[0] || ids !== ID_NAMES[0]) notes.unshift(tableNote(path, vectors, ids));
  return {
    ...{ rows, dimension, attributes: {} },
    vectorType: element === 'Float16' ? 'float16' : 'float32',
    notes,
    blocks: () => readBlocks(file, path, { vectors, ids }, dimension),
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

async function* readBlocks(
  file: ParquetFile,
  path: string,
  columns: { vectors: string; ids: string },
  dimension: number,
): AsyncGenerator<SourceBlock> {
  let start = 0;
  for await (const batch of batchesOf(file, path, [columns.vectors, columns.ids], BATCH_ROWS)) {
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
      vectors.set(vector, row * dimension);
      texts.push((idColumn.get(row) as string | null) ?? '');
    }
    const ids = columnFrom(texts);
    checkIds(ids, path, start);
    yield { vectors, ids };
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
    // Polars writes it; the Arrow library has no such type.
    throw /LargeList/.test(reason) ? messages.largeList(path) : messages.badParquet(path, reason, error);
  }
}

function isVectorType(type: DataType): boolean {
  const isList = type.typeId === Type.List || type.typeId === Type.FixedSizeList;
  const child = isList ? (type as DataType<Type.List>).children?.[0]?.type : undefined;
  return child?.typeId === Type.Float || child?.typeId === Type.Int;
}

function isTextType(type: DataType): boolean {
  const { typeId } = DataType.isDictionary(type) ? type.dictionary : type;
  return typeId === Type.Utf8 || typeId === Type.LargeUtf8;
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
  // Another column that fits may be anything: sequences beside a column `id` of numbers.
  const wrong = schema.fields.find(({ name }) => names.includes(name));
  if (usual === undefined && wrong) throw messages.wrongParquetColumn(path, wrong.name, `${wrong.type}`, what);
  if (usual === undefined && fitting.length > 1) throw messages.severalParquetColumns(path, what, names[0]!, columns);
  return usual ?? fitting[0]!;
}

function elementOf(schema: Schema, column: string): string {
  return `${schema.fields.find(({ name }) => name === column)!.type.children[0]!.type}`;
}

/** Returns the vector of a row. @param fileRow its number in the file @throws DataError where it is missing */
function vectorAt(path: string, vectors: Vector, column: string, row: number, fileRow: number): Float32Array {
  const vector = vectors.get(row) as Vector | null;
  if (vector === null) throw messages.badParquetRow(path, column, fileRow, 'is missing');
  if (vector.nullCount > 0) throw messages.badParquetRow(path, column, fileRow, 'has components that are missing');
  const numbers: unknown = vector.toArray();
  if (numbers instanceof Uint16Array && `${vector.type}` === 'Float16') {
    const decoded = new Float32Array(numbers.length);
    decodeFloat16(numbers, decoded, numbers.length);
    return decoded;
  }
  return Float32Array.from(numbers as ArrayLike<number | bigint>, Number);
}
