import { DataError } from '../../base/errors.ts';
import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import type { OnnxType } from '../../onnx/model.ts';
import type { PlainTensor, QuantizationJob } from '../../onnx/onnx-quantized-weights.ts';
import type { StoredTensor, StoredWeights } from '../../onnx/safetensors.ts';

/** Types of weights by their dtype in safetensors. All but F32 are cast in the graph. */
const WEIGHT_TYPES: Readonly<Record<string, OnnxType>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  F64: 'float64',
};

/** float32: weights as stored. int8: matrices rounded to 8 bits, activations quantized dynamically. */
export const PRECISIONS = ['float32', 'int8'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** Alignment of buffers in ONNX Runtime. */
const ALIGNMENT_BYTES = 64;

/** Locations of the weights, and their precision in the graph. */
export interface WeightPlaces {
  /** The model folder, for messages. */
  folder: string;
  /** Returns the location of a file as the session resolves it. */
  locate(path: string): string;
  /** The file of 8-bit weights; undefined for float32. */
  quantizedPath: string | undefined;
}

/** The tensors of a model folder as constants of a graph, which refer to byte ranges of files without copying them. */
export class GraphWeights {
  readonly #graph: GraphBuilder;
  readonly #stored: StoredWeights;
  readonly #places: WeightPlaces;
  readonly #used = new Set<string>();
  #quantizedBytes = 0;
  /** Matrices to write to `quantizedPath` before the graph is loaded. */
  readonly quantizationJobs: QuantizationJob[] = [];
  /** Tensors of one dimension: scales of norms, and biases. */
  readonly plainTensors: PlainTensor[] = [];

  constructor(graph: GraphBuilder, stored: StoredWeights, places: WeightPlaces) {
    this.#graph = graph;
    this.#stored = stored;
    this.#places = places;
  }

  /**
   * Returns the prefix of the names of the encoder's tensors: empty, or `esm.`, `model.`, ... if the encoder was saved as part of a
   * larger model.
   * @param name name of a tensor that every checkpoint has, without the prefix
   */
  prefixOf(name: string): string {
    if (this.#stored.tensors.has(name)) return '';
    const found = [...this.#stored.tensors.keys()].filter((stored) => stored.endsWith(`.${name}`));
    return found.length === 1 ? found[0]!.slice(0, -name.length) : '';
  }

  /** Returns whether the checkpoint has a tensor of this name. */
  has(name: string): boolean {
    return this.#stored.tensors.has(name);
  }

  /** Returns a tensor as float32. @throws DataError if it is missing or has another shape */
  tensor(name: string, shape: readonly number[]): Value {
    return this.rows(name, shape, 0, shape[0]!);
  }

  /** Returns rows [start, end) of a tensor as float32, from their own byte range, so that the graph needs no split. */
  rows(name: string, shape: readonly number[], start: number, end: number): Value {
    const { tensor, type } = this.#find(name, shape);
    if (shape.length === 1) this.plainTensors.push({ name, tensor });
    const rowBytes = tensor.byteLength / shape[0]!;
    const value = this.#graph.initializer({
      name: start === 0 && end === shape[0] ? name : `${name}[${start}:${end}]`,
      type,
      shape: [end - start, ...shape.slice(1)],
      data: {
        location: this.#places.locate(tensor.path),
        offset: tensor.offset + start * rowBytes,
        byteLength: (end - start) * rowBytes,
      },
    });
    return type === 'float32' ? value : this.#graph.op('Cast', [value], { to: { int: 1 } });
  }

  /**
   * Refuses unused tensors that belong to the encoder: otherwise config.json could describe another model (fewer layers, no biases), and
   * the vectors would be wrong without an error.
   * @param prefix of the names
   * @param belongs matches the rest of the names
   */
  refuseUnused(prefix: string, belongs: RegExp): void {
    for (const [name, { path }] of this.#stored.tensors)
      if (name.startsWith(prefix) && belongs.test(name.slice(prefix.length)) && !this.#used.has(name))
        throw new DataError(
          `${path}: tensor "${name}" has no place in the model that ${this.#places.folder}/config.json describes.`,
        );
  }

  /**
   * Returns rows [start, end) of a matrix in 8 bits, for a product with activations.
   * @returns undefined if the graph computes in float32
   */
  quantizedRows(
    name: string,
    shape: readonly [number, number],
    start: number,
    end: number,
  ): { bytes: Value; scales: Value } | undefined {
    const path = this.#places.quantizedPath;
    if (path === undefined) return undefined;
    const { tensor } = this.#find(name, shape);
    const rows = end - start;
    const columns = shape[1];
    const place = (type: OnnxType, part: string, size: readonly number[], byteLength: number) => {
      const offset = this.#quantizedBytes;
      this.#quantizedBytes += Math.ceil(byteLength / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
      const data = { location: this.#places.locate(path), offset, byteLength };
      const value = this.#graph.initializer({ name: `${name}[${start}:${end}].${part}`, type, shape: size, data });
      return { value, offset };
    };
    const scales = place('float32', 'scales', [rows], rows * 4);
    const bytes = place('int8', 'int8', [columns, rows], rows * columns);
    const offsets = { scalesOffset: scales.offset, bytesOffset: bytes.offset };
    this.quantizationJobs.push({ name, tensor, start, end, columns, ...offsets });
    return { bytes: bytes.value, scales: scales.value };
  }

  #find(name: string, shape: readonly number[]): { tensor: StoredTensor; type: OnnxType } {
    const tensor = this.#stored.tensors.get(name);
    const expected = `[${shape.join(', ')}]`;
    if (!tensor)
      throw new DataError(
        `${this.#places.folder}: the weights have no tensor "${name}" ${expected}, which config.json requires.`,
      );
    if (tensor.shape.join() !== shape.join())
      throw new DataError(
        `${tensor.path}: tensor "${name}" is [${tensor.shape.join(', ')}], but config.json requires ${expected}.`,
      );
    const type = WEIGHT_TYPES[tensor.type];
    if (!type)
      throw new DataError(
        `${tensor.path}: tensor "${name}" is ${tensor.type}; weights must be ${Object.keys(WEIGHT_TYPES).join(', ')}.`,
      );
    this.#used.add(name);
    return { tensor, type };
  }
}
