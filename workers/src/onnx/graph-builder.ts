import type { OnnxAttribute, OnnxInitializer, OnnxModel, OnnxNode, OnnxType, OnnxValue } from './model.ts';

/** The name of a value in a graph: what one operator gives and another takes. */
export type Value = string;

type Attributes = Readonly<Record<string, OnnxAttribute>>;

/**
 * Collects a graph operator by operator. Values get names of their own; a caller handles them as if they
 * were tensors: `const y = graph.op('Add', [x, bias])`.
 */
export class GraphBuilder {
  readonly #inputs: OnnxValue[] = [];
  readonly #outputs: OnnxValue[] = [];
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers = new Map<string, OnnxInitializer>();

  input(name: string, type: OnnxType, shape: readonly (number | string)[]): Value {
    this.#inputs.push({ name, type, shape });
    return name;
  }

  /** Declares `value` as an output of the graph under `name`. */
  output(name: string, value: Value, type: OnnxType, shape: readonly (number | string)[]): void {
    this.#nodes.push({ op: 'Identity', inputs: [value], outputs: [name] });
    this.#outputs.push({ name, type, shape });
  }

  /** A constant; a second one of the same name is the same constant. */
  initializer(initializer: OnnxInitializer): Value {
    this.#initializers.set(initializer.name, initializer);
    return initializer.name;
  }

  /** A constant of float32 numbers; a single number is a scalar. */
  floats(name: string, values: Float32Array | number, shape: readonly number[] = []): Value {
    const numbers = typeof values === 'number' ? Float32Array.of(values) : values;
    return this.initializer({ name, type: 'float32', shape, data: bytesOf(numbers) });
  }

  /** A constant of int64 numbers: axes, shapes, indices. */
  integers(values: readonly number[]): Value {
    const data = bytesOf(BigInt64Array.from(values, BigInt));
    return this.initializer({
      name: `integers_${values.join('_')}`,
      type: 'int64',
      shape: [values.length],
      data,
    });
  }

  /** Adds an operator of one output and gives that output. */
  op(op: string, inputs: readonly Value[], attributes: Attributes = {}, domain = ''): Value {
    return this.ops(op, inputs, 1, attributes, domain)[0]!;
  }

  /** Adds an operator of several outputs. */
  ops(op: string, inputs: readonly Value[], count: number, attributes: Attributes = {}, domain = ''): Value[] {
    const outputs = Array.from({ length: count }, (_, i) => `${op}_${this.#nodes.length}_${i}`);
    this.#nodes.push({ op, inputs, outputs, attributes, domain });
    return outputs;
  }

  model(): OnnxModel {
    return {
      inputs: this.#inputs,
      outputs: this.#outputs,
      nodes: this.#nodes,
      initializers: [...this.#initializers.values()],
    };
  }
}

function bytesOf(numbers: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
