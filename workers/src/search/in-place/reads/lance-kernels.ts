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
} from '../../../base/wasm/assembler.ts';
import { advance, countDown, LANES, QUARTERS, sumByHalves } from '../../../base/wasm/simd.ts';
import type { Metric } from '../../../vectors/metric.ts';

/** Functions in WebAssembly; arguments are addresses in its memory, or counts. */
export type LanceKernels = Record<
  Metric,
  /**
   * Computes the distances of float32 rows from a query as LanceDB computes them, to the bit.
   * @param dimension a multiple of LANES @param into float32 [count]
   */
  (query: number, rows: number, count: number, dimension: number, into: number) => void
>;

/**
 * LanceDB sums LANES components side by side (f32x16 in lance-linalg/src/simd). Products are added without rounding them before.
 */
function distances(metric: Metric): WasmFunction {
  const locals = new Locals('i32', 'i32', 'i32', 'i32', 'i32');
  const [query, row, count, dimension, into] = [0, 1, 2, 3, 4];
  const [component, end] = [locals.add('i32'), locals.add('i32')];
  const sums = QUARTERS.map(() => locals.add('v128'));
  const squares = QUARTERS.map(() => locals.add('v128'));
  const [a, b, length] = [locals.add('v128'), locals.add('v128'), locals.add('f32')];
  const used = metric === 'cosine' ? [...sums, ...squares] : sums;
  const plus = (sum: number, x: number, y: number): Code =>
    set(sum, f32x4.relaxedMultiplyAdd(get(x), get(y), get(sum)));
  const eachStep = (step: (part: number) => Code[]): Code[] => [
    ...used.map((sum) => set(sum, v128.zero)),
    set(component, get(query)),
    set(end, i32.add(get(query), i32.shl(get(dimension), i32.const(2)))),
    loop(
      i32.lessUnsigned(get(component), get(end)),
      ...QUARTERS.flatMap((part) => [set(a, v128.load(get(component), 16 * part)), ...step(part)]),
      advance(component, 4 * LANES),
    ),
  ];
  const load = (part: number): Code => set(b, v128.load(get(row), 16 * part));
  const steps: Record<Metric, (part: number) => Code[]> = {
    l2: (part) => [load(part), set(a, f32x4.sub(get(a), get(b))), plus(sums[part]!, a, a)],
    dot: (part) => [load(part), plus(sums[part]!, a, b)],
    cosine: (part) => [load(part), plus(sums[part]!, a, b), plus(squares[part]!, b, b)],
  };
  const { fold, sum } = sumByHalves(sums, a);
  const { fold: foldSquares, sum: square } = sumByHalves(squares, b);
  const lengthOfQuery = [...eachStep((part) => [plus(sums[part]!, a, a)]), fold, set(length, f32.sqrt(sum))];
  const results: Record<Metric, Code> = {
    l2: sum,
    dot: f32.sub(f32.const(1), sum),
    cosine: f32.sub(f32.const(1), f32.div(f32.div(sum, get(length)), f32.sqrt(square))),
  };
  const stepOverRow = (part: number): Code[] => [
    ...steps[metric](part),
    ...(part === QUARTERS.at(-1) ? [advance(row, 4 * LANES)] : []),
  ];
  const body = [
    ...(metric === 'cosine' ? lengthOfQuery : []),
    loop(
      get(count),
      ...eachStep(stepOverRow),
      fold,
      ...(metric === 'cosine' ? [foldSquares] : []),
      f32.store(get(into), results[metric]),
      advance(into, 4),
      countDown(count),
    ),
  ].flat();
  return { name: metric, locals, body };
}

/** Compiles the kernels. @param memory shared @throws CompileError where the engine lacks relaxed SIMD */
export function lanceKernels(memory: WebAssembly.Memory): LanceKernels {
  const module = new WebAssembly.Module(assemble([distances('cosine'), distances('l2'), distances('dot')]));
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as LanceKernels;
}
