import type { GraphBuilder, Value } from '../core/onnx/graph-builder.ts';
import type { OnnxType } from '../core/onnx/model.ts';
import { DataError } from '../errors.ts';
import type { StoredTensor, StoredWeights } from '../io/safetensors.ts';

/** Types of weights by safetensors' names. All but F32 are cast in the graph. */
const WEIGHT_TYPES: Readonly<Record<string, OnnxType>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  F64: 'float64',
};

/** A model folder's tensors as constants of a graph: names and places in files, no copies. */
export class GraphWeights {
  readonly #graph: GraphBuilder;
  readonly #stored: StoredWeights;
  readonly #folder: string;
  readonly #locate: (path: string) => string;
  readonly #used = new Set<string>();

  /**
   * @param folder the model folder, for messages
   * @param locate gives a file's location as the session will look it up
   */
  constructor(graph: GraphBuilder, stored: StoredWeights, folder: string, locate: (path: string) => string) {
    this.#graph = graph;
    this.#stored = stored;
    this.#folder = folder;
    this.#locate = locate;
  }

  has(name: string): boolean {
    return this.#stored.tensors.has(name);
  }

  /** A tensor as float32. @throws DataError where it is missing or has another shape */
  tensor(name: string, shape: readonly number[]): Value {
    return this.rows(name, shape, 0, shape[0]!);
  }

  /** Rows [start, end) of a tensor as float32: a part of the file of its own, so that nothing is split at run time. */
  rows(name: string, shape: readonly number[], start: number, end: number): Value {
    const tensor = this.#find(name, shape);
    const type = WEIGHT_TYPES[tensor.type];
    if (!type)
      throw new DataError(
        `${tensor.path}: tensor "${name}" is ${tensor.type}; weights must be ${Object.keys(WEIGHT_TYPES).join(', ')}.`,
      );
    const rowBytes = tensor.byteLength / shape[0]!;
    const value = this.#graph.initializer({
      name: start === 0 && end === shape[0] ? name : `${name}[${start}:${end}]`,
      type,
      shape: [end - start, ...shape.slice(1)],
      data: {
        location: this.#locate(tensor.path),
        offset: tensor.offset + start * rowBytes,
        byteLength: (end - start) * rowBytes,
      },
    });
    return type === 'float32' ? value : this.#graph.op('Cast', [value], { to: { int: 1 } });
  }

  /**
   * Refuses tensors that the graph does not use though they belong to what it computes: config.json would be of
   * another model (fewer layers, biases left out), and the vectors silently wrong.
   */
  refuseUnused(belongs: RegExp): void {
    for (const [name, { path }] of this.#stored.tensors)
      if (belongs.test(name) && !this.#used.has(name))
        throw new DataError(
          `${path}: tensor "${name}" has no place in the model that ${this.#folder}/config.json describes.`,
        );
  }

  #find(name: string, shape: readonly number[]): StoredTensor {
    const tensor = this.#stored.tensors.get(name);
    const expected = `[${shape.join(', ')}]`;
    if (!tensor)
      throw new DataError(
        `${this.#folder}: the weights have no tensor "${name}" ${expected}, which config.json calls for.`,
      );
    if (tensor.shape.join() !== shape.join())
      throw new DataError(
        `${tensor.path}: tensor "${name}" is [${tensor.shape.join(', ')}] where config.json calls for ${expected}.`,
      );
    this.#used.add(name);
    return tensor;
  }
}
