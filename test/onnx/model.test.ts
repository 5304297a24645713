import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { ProtobufWriter } from '../../workers/src/base/bytes/protobuf.ts';
import { GraphBuilder } from '../../workers/src/onnx/graph-builder.ts';
import { encodeModel } from '../../workers/src/onnx/model.ts';
import { temporaryFolder } from '../support/run.ts';

describe('ProtobufWriter', () => {
  test('encodes the examples of the protobuf documentation', () => {
    expect([...new ProtobufWriter().integer(1, 150).finish()]).toEqual([0x08, 0x96, 0x01]);
    expect([...new ProtobufWriter().string(2, 'testing').finish()]).toEqual([
      0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67,
    ]);
    const nested = new ProtobufWriter().message(3, (inner) => inner.integer(1, 150)).finish();
    expect([...nested]).toEqual([0x1a, 0x03, 0x08, 0x96, 0x01]);
    expect([...new ProtobufWriter().float(2, 1).finish()]).toEqual([0x15, 0, 0, 0x80, 0x3f]);
  });

  test('negative integers take ten bytes, as int64 does', () => {
    expect([...new ProtobufWriter().integer(1, -1).finish()]).toEqual([8, ...Array(9).fill(255), 1]);
  });

  test('refuses numbers that are not integers', () => {
    expect(() => new ProtobufWriter().integer(1, 0.5)).toThrow(RangeError);
    expect(() => new ProtobufWriter().integer(1, 2 ** 63)).toThrow(RangeError);
  });
});

describe('encodeModel', () => {
  test('a graph with a weight, several outputs and attributes runs in ONNX Runtime', async () => {
    const graph = new GraphBuilder();
    const queries = graph.input('queries', 'float32', ['count', 3]);
    const rows = graph.floats('rows', Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1), [4, 3]);
    const scores = graph.op('Gemm', [queries, rows], { transB: { int: 1 }, alpha: { float: 2 } });
    const [values, indices] = graph.ops('TopK', [scores, graph.integers([2])], 2, { axis: { int: -1 } });
    graph.output('values', values!, 'float32', ['count', 2]);
    graph.output('indices', indices!, 'int64', ['count', 2]);

    const session = await ort.InferenceSession.create(encodeModel(graph.model()));
    const result = await session.run({ queries: new ort.Tensor('float32', [1, 2, 4, 5, 0, 0], [2, 3]) });
    expect([...(result.values!.data as Float32Array)]).toEqual([14, 8, 10, 10]);
    expect([...(result.indices!.data as BigInt64Array)]).toEqual([3n, 2n, 0n, 3n]);
  });

  test('a weight is read from a byte range of a file beside the model', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'weights.bin'), new Uint8Array(Float32Array.of(9, 9, 3, 4, 9).buffer));
    const graph = new GraphBuilder();
    const x = graph.input('x', 'float32', ['count']);
    const data = { location: 'weights.bin', offset: 8, byteLength: 8 };
    const weight = graph.initializer({ name: 'weight', type: 'float32', shape: [2], data });
    graph.output('y', graph.op('Mul', [x, weight]), 'float32', ['count']);

    const session = await ort.InferenceSession.create(encodeModel(graph.model()), {
      extra: { session: { model_external_initializers_file_folder_path: folder } },
    });
    const { y } = await session.run({ x: new ort.Tensor('float32', [10, 100], [2]) });
    expect([...(y!.data as Float32Array)]).toEqual([30, 400]);
  });
});
