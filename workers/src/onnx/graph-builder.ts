import type { OnnxAttribute, OnnxInitializer, OnnxModel, OnnxNode, OnnxType, OnnxValue } from './model.ts';

/** The name of a value in a graph: an output of one operator and an input of others. */
export type Value = string;

type Attributes = Readonly<Record<string, OnnxAttribute>>;

/**
 * Builds a graph operator by operator. Values are named automatically, so that callers write as if they were tensors:
 * `const y = graph.op('Add', [x, bias])`.
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

  /** Adds a constant. Constants with the same name are shared. */
  initializer(initializer: OnnxInitializer): Value {
    this.#initializers.set(initializer.name, initializer);
    return initializer.name;
  }

  /** Adds a float32 constant; a single number is a scalar. */
  floats(name: string, values: Float32Array | number, shape: readonly number[] = []): Value {
    const numbers = typeof values === 'number' ? Float32Array.of(values) : values;
    return this.initializer({ name, type: 'float32', shape, data: bytesOf(numbers) });
  }

  /** Adds an int64 constant of a few values: axes, shapes, indices. */
  integers(values: readonly number[]): Value {
    return this.integerTable(`integers_${values.join('_')}`, values);
  }

  /** Adds a named int64 constant. */
  integerTable(name: string, values: readonly number[]): Value {
    const data = bytesOf(BigInt64Array.from(values, BigInt));
    return this.initializer({ name, type: 'int64', shape: [values.length], data });
  }

  /** Adds an operator with one output. */
  op(op: string, inputs: readonly Value[], attributes: Attributes = {}, domain = ''): Value {
    return this.ops(op, inputs, 1, attributes, domain)[0]!;
  }

  /** Adds an operator with several outputs. */
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
