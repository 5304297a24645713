import { expect, test } from 'vitest';
import { GraphBuilder } from '../../workers/src/onnx/graph-builder.ts';
import { encodeModel } from '../../workers/src/onnx/model.ts';
import { OnnxThread } from '../../workers/src/onnx/onnx-thread.ts';

/** y = x x, of square matrices. */
function squareModel(): Uint8Array {
  const graph = new GraphBuilder();
  const x = graph.input('x', 'float32', ['n', 'n']);
  graph.output('y', graph.op('MatMul', [x, x]), 'float32', ['n', 'n']);
  return encodeModel(graph.model());
}

const feed = (values: number[], dims: number[]) => ({
  x: { type: 'float32', data: Float32Array.from(values), dims } as const,
});

test('concurrent runs take turns, without blocking the caller', async () => {
  const thread = new OnnxThread({ model: squareModel(), options: {} });
  await thread.loaded;
  const size = 600;
  const large = thread.run(feed(new Array(size * size).fill(1), [size, size]));
  const small = thread.run(feed([1, 2, 3, 4], [2, 2]));
  const order: string[] = [];
  large.then(() => order.push('large'));
  small.then(() => order.push('small'));
  // An answer of the thread is a message, which arrives after the microtasks; a result that `run` computed itself would be here now.
  await Promise.resolve().then(() => order.push('here'));
  expect([...(await small).y!]).toEqual([7, 10, 15, 22]);
  expect((await large).y![0]).toBe(size);
  expect(order).toEqual(['here', 'large', 'small']);
  await thread.close();
});

test('a failed run fails alone; a thread ends when its work is done', async () => {
  const thread = new OnnxThread({ model: squareModel(), options: {} });
  await thread.loaded;
  await expect(thread.run(feed([1, 2], [1, 2]))).rejects.toThrow(/MatMul/);
  expect([...(await thread.run(feed([2], [1, 1]))).y!]).toEqual([4]);
  const last = thread.run(feed([3], [1, 1]));
  await thread.close();
  expect([...(await last).y!]).toEqual([9]);
  await expect(thread.run(feed([2], [1, 1]))).rejects.toThrow(/closed/);
});

test('a graph that cannot be loaded rejects `loaded`, and later runs', async () => {
  const thread = new OnnxThread({ model: Uint8Array.of(1, 2, 3), options: {} });
  await expect(thread.loaded).rejects.toThrow(/protobuf/i);
  await thread.close();
  await expect(thread.run(feed([2], [1, 1]))).rejects.toThrow();
});
