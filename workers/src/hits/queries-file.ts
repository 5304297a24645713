import {
  DataType,
  Field,
  FixedSizeList,
  Float32,
  makeData,
  Precision,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableFromIPC,
  tableToIPC,
  Utf8,
} from 'apache-arrow';
import { Compression, Table as EncoderTable, readParquet, WriterPropertiesBuilder, writeParquet } from 'parquet-wasm';
import { columnFrom } from '../base/bytes/utf8-column.ts';
import { ATTRIBUTES, checkDocument, parseJson } from '../base/text/document.ts';
import { CREATED_BY } from './parquet/table-writer.ts';

/** Queries as vectors, with the attributes of the model that embedded them. */
export interface QueryVectors {
  ids: readonly string[];
  dimension: number;
  /** [ids, D] */
  vectors: Float32Array;
  attributes: Record<string, string | number>;
}

/** Key of the schema's metadata with the attributes (JSON). */
const ATTRIBUTES_KEY = 'lanceflow.model';

/** Encodes queries as Parquet: `id` (string) and `embedding` (a list of D float32). Such a file is small: it is encoded in memory. */
export function encodeQueries({ ids, dimension, vectors, attributes }: QueryVectors): Uint8Array {
  const list = new FixedSizeList(dimension, new Field('item', new Float32(), false));
  const fields = [new Field('id', new Utf8(), false), new Field('embedding', list, false)];
  const schema = new Schema(fields, new Map([[ATTRIBUTES_KEY, JSON.stringify(attributes)]]));
  const { offsets, bytes } = columnFrom(ids);
  const length = ids.length;
  const values = makeData({ type: new Float32(), length: vectors.length, nullCount: 0, data: vectors });
  const children = [
    makeData({ type: new Utf8(), length, nullCount: 0, valueOffsets: offsets, data: bytes }),
    makeData({ type: list, length, nullCount: 0, child: values }),
  ];
  const batch = new RecordBatch(schema, makeData({ type: new Struct(fields), length, nullCount: 0, children }));
  const table = EncoderTable.fromIPCStream(tableToIPC(new Table([batch]), 'stream'));
  // Components of vectors do not repeat.
  const properties = new WriterPropertiesBuilder()
    .setCreatedBy(CREATED_BY)
    .setCompression(Compression.UNCOMPRESSED)
    .setDictionaryEnabled(false)
    .build();
  return writeParquet(table, properties);
}

/** Decodes queries. @throws the error of `fail` for a file that does not hold them */
export function decodeQueries(file: Uint8Array, fail: (problem: string) => Error): QueryVectors {
  const table = decode(file, fail);
  const embedding = table.getChild('embedding');
  const ids = table.getChild('id');
  if (!ids || !embedding || !isVector(embedding.type))
    throw fail('its columns are not id and embedding, a list of float32 of one length');
  const { listSize: dimension } = embedding.type;
  const vectors = new Float32Array(table.numRows * dimension);
  let at = 0;
  for (const { children, offset, length } of embedding.data) {
    const values = children[0]!.values as Float32Array;
    vectors.set(values.subarray(offset * dimension, (offset + length) * dimension), at);
    at += length * dimension;
  }
  const text = table.schema.metadata.get(ATTRIBUTES_KEY) ?? '{}';
  const attributes = checkDocument(ATTRIBUTES, parseJson(text), (problem) =>
    fail(`the model of its vectors: ${problem}`),
  );
  return { ids: Array.from(ids, String), dimension, vectors, attributes };
}

function isVector(type: DataType): type is FixedSizeList<Float32> {
  if (!DataType.isFixedSizeList(type)) return false;
  const { valueType } = type as FixedSizeList;
  return DataType.isFloat(valueType) && valueType.precision === Precision.SINGLE;
}

function decode(file: Uint8Array, fail: (problem: string) => Error): Table {
  try {
    return tableFromIPC(readParquet(file).intoIPCStream());
  } catch (error) {
    throw fail(`it is not Parquet (${error instanceof Error ? error.message : error})`);
  }
}
