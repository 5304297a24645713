import { ProtobufWriter } from '../base/bytes/protobuf.ts';

/** Element types by their numbers in ONNX's TensorProto.DataType. */
export const ONNX_TYPE = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
} as const;
export type OnnxType = keyof typeof ONNX_TYPE;

/** An input or output of the graph. A string in the shape names a dimension that is known only at run time. */
export interface OnnxValue {
  name: string;
  type: OnnxType;
  shape: readonly (number | string)[];
}

/** A byte range of a file from which the tensor is mapped, instead of being copied into the model. */
export interface ExternalData {
  /** File name, relative to the session's folder of external data. */
  location: string;
  offset: number;
  byteLength: number;
}

/** A constant tensor, row-major and little-endian. */
export interface OnnxInitializer {
  name: string;
  type: OnnxType;
  shape: readonly number[];
  data: Uint8Array | ExternalData;
}

export type OnnxAttribute =
  | { int: number }
  | { float: number }
  | { string: string }
  | { ints: readonly number[] }
  | { floats: readonly number[] };

export interface OnnxNode {
  op: string;
  /** An empty name omits an optional input. */
  inputs: readonly string[];
  outputs: readonly string[];
  attributes?: Readonly<Record<string, OnnxAttribute>>;
  /** Default: the operators of ONNX. `com.microsoft`: those of ONNX Runtime. */
  domain?: string;
}

export interface OnnxModel {
  inputs: readonly OnnxValue[];
  outputs: readonly OnnxValue[];
  nodes: readonly OnnxNode[];
  initializers: readonly OnnxInitializer[];
  /** Version of each operator set that the nodes use; '' is ONNX's own set. */
  operatorSets?: Readonly<Record<string, number>>;
}

const IR_VERSION = 10;
const DEFAULT_OPERATOR_SETS = { '': 21, 'com.microsoft': 1 };
/** TensorProto.DataLocation.EXTERNAL */
const EXTERNAL = 1;

/**
 * Encodes a graph as an ONNX file: a serialized ModelProto. Field numbers:
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
export function encodeModel(model: OnnxModel): Uint8Array {
  const writer = new ProtobufWriter();
  writer.integer(1, IR_VERSION).string(2, 'lanceflow');
  writer.message(7, (graph) => {
    for (const node of model.nodes) graph.message(1, (writer) => writeNode(writer, node));
    graph.string(2, 'lanceflow');
    for (const tensor of model.initializers) graph.message(5, (writer) => writeTensor(writer, tensor));
    for (const value of model.inputs) graph.message(11, (writer) => writeValue(writer, value));
    for (const value of model.outputs) graph.message(12, (writer) => writeValue(writer, value));
  });
  for (const [domain, version] of Object.entries(model.operatorSets ?? DEFAULT_OPERATOR_SETS))
    writer.message(8, (set) => set.string(1, domain).integer(2, version));
  return writer.finish();
}

function writeNode(writer: ProtobufWriter, node: OnnxNode): void {
  for (const input of node.inputs) writer.string(1, input);
  for (const output of node.outputs) writer.string(2, output);
  writer.string(3, node.outputs[0] ?? '').string(4, node.op);
  for (const [name, attribute] of Object.entries(node.attributes ?? {}))
    writer.message(5, (inner) => writeAttribute(inner.string(1, name), attribute));
  if (node.domain) writer.string(7, node.domain);
}

function writeAttribute(writer: ProtobufWriter, attribute: OnnxAttribute): void {
  // Field 20 is AttributeProto.AttributeType.
  if ('float' in attribute) writer.float(2, attribute.float).integer(20, 1);
  else if ('int' in attribute) writer.integer(3, attribute.int).integer(20, 2);
  else if ('string' in attribute) writer.string(4, attribute.string).integer(20, 3);
  else if ('floats' in attribute) {
    for (const value of attribute.floats) writer.float(7, value);
    writer.integer(20, 6);
  } else writer.integers(8, attribute.ints).integer(20, 7);
}

function writeTensor(writer: ProtobufWriter, tensor: OnnxInitializer): void {
  writer.integers(1, tensor.shape).integer(2, ONNX_TYPE[tensor.type]).string(8, tensor.name);
  const { data } = tensor;
  if (data instanceof Uint8Array) {
    writer.bytes(9, data);
    return;
  }
  const entries = { location: data.location, offset: data.offset, length: data.byteLength };
  for (const [key, value] of Object.entries(entries))
    writer.message(13, (entry) => entry.string(1, key).string(2, String(value)));
  writer.integer(14, EXTERNAL);
}

function writeValue(writer: ProtobufWriter, value: OnnxValue): void {
  writer.string(1, value.name).message(2, (type) =>
    type.message(1, (tensor) => {
      tensor.integer(1, ONNX_TYPE[value.type]);
      tensor.message(2, (shape) => {
        for (const size of value.shape)
          shape.message(1, (dim) => (typeof size === 'number' ? dim.integer(1, size) : dim.string(2, size)));
      });
    }),
  );
}
