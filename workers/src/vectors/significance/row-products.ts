import {
  assemble,
  type Code,
  f32,
  f32x4,
  get,
  i32,
  Locals,
  loop,
  set,
  v128,
  type WasmFunction,
} from '../../base/wasm/assembler.ts';
import { advance, countDown, LANES, QUARTERS, sumByHalves } from '../../base/wasm/simd.ts';

const PAGE_BYTES = 2 ** 16;

/** Rows in the memory of WebAssembly, whose inner products with a vector are computed four components at a time, in float32. */
export class RowProducts {
  count = 0;
  readonly #stride: number;
  readonly #vector: Float32Array;
  readonly #products: Float32Array;
  readonly #rows: Float32Array;
  readonly #multiply: Kernel;

  constructor(mostRows: number, dimension: number) {
    const stride = Math.ceil(dimension / LANES) * LANES;
    const pages = Math.ceil((4 * (stride + mostRows + mostRows * stride)) / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.#stride = stride;
    this.#vector = new Float32Array(memory.buffer, 0, stride);
    this.#products = new Float32Array(memory.buffer, 4 * stride, mostRows);
    this.#rows = new Float32Array(memory.buffer, 4 * (stride + mostRows), mostRows * stride);
    this.#multiply = compile(memory);
  }

  /** Adds a row. @param row [dimension] */
  add(row: ArrayLike<number>): void {
    this.#rows.set(row, this.count++ * this.#stride);
  }

  /** Computes the inner products with all rows. @param vector [dimension] @returns [count], which the next call overwrites */
  of(vector: ArrayLike<number>): Float32Array {
    this.#vector.set(vector);
    const [products, rows] = [this.#products, this.#rows];
    this.#multiply(this.#vector.byteOffset, rows.byteOffset, this.count, this.#stride, products.byteOffset);
    return products.subarray(0, this.count);
  }
}

/** Arguments are addresses, or counts. @param stride a multiple of LANES @param into float32 [count] */
type Kernel = (vector: number, rows: number, count: number, stride: number, into: number) => void;

let module: WebAssembly.Module | undefined;

function compile(memory: WebAssembly.Memory): Kernel {
  module ??= new WebAssembly.Module(assemble([multiply()]));
  return (new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as { multiply: Kernel }).multiply;
}

function multiply(): WasmFunction {
  const locals = new Locals('i32', 'i32', 'i32', 'i32', 'i32');
  const [vector, row, count, stride, into] = [0, 1, 2, 3, 4];
  const [component, end, buffer] = [locals.add('i32'), locals.add('i32'), locals.add('v128')];
  const sums = QUARTERS.map(() => locals.add('v128'));
  const step = (part: number): Code => {
    const product = f32x4.mul(v128.load(get(component), 16 * part), v128.load(get(row), 16 * part));
    return set(sums[part]!, f32x4.add(get(sums[part]!), product));
  };
  const { fold, sum } = sumByHalves(sums, buffer);
  const body = loop(
    get(count),
    ...sums.map((each) => set(each, v128.zero)),
    set(component, get(vector)),
    loop(
      i32.lessUnsigned(get(component), get(end)),
      ...QUARTERS.map(step),
      advance(component, 4 * LANES),
      advance(row, 4 * LANES),
    ),
    fold,
    f32.store(get(into), sum),
    advance(into, 4),
    countDown(count),
  );
  const begin = set(end, i32.add(get(vector), i32.shl(get(stride), i32.const(2))));
  return { name: 'multiply', locals, body: [...begin, ...body] };
}
