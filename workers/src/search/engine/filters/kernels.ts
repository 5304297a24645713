import {
  assemble,
  type Code,
  call,
  choose,
  f32,
  f32x4,
  f64,
  f64x2,
  get,
  i8x16,
  i16x8,
  i32,
  i32x4,
  Locals,
  loop,
  set,
  v128,
  type WasmFunction,
  when,
} from '../../../base/wasm/assembler.ts';
import { advance, countDown, LANES, lanesOf, QUARTERS, ROUNDER } from '../../../base/wasm/simd.ts';

/** Numbers that `quantize` returns of a row: scale, length, length of the rounding error, inner product with the mean. */
export const ROW_NUMBERS = 4;

/** Rows that are compared with one vector at once. */
export const RESCORED_AT_ONCE = 4;

/** Functions in WebAssembly; arguments are addresses in its memory, or counts. */
export interface Kernels {
  /**
   * Quantizes float32 rows to `round((row - mean) / scale)`, of a row scaled to unit length where `unit` is 1.
   * @param buffer for one row @param codes a byte a component, xor `flip` (128 turns int8 into uint8 with an offset)
   * @param numbers ROW_NUMBERS float32 a row @param largest code
   */
  quantize(
    rows: number,
    count: number,
    dimension: number,
    mean: number,
    buffer: number,
    codes: number,
    numbers: number,
    unit: number,
    largest: number,
    flip: number,
  ): void;
  /**
   * Selects the pairs (row, query) with row.a * dot + row.b * query.b + row.c * query.c + row.d not less than query.least; NaN is
   * selected as well.
   * @param dots int32 [rows, width] @param rowTerms float32 [rows, 4] @param queryTerms float32 [3, width]: b, c, least
   * @param into uint32, row * width + query each @returns their count
   */
  select(dots: number, rows: number, width: number, rowTerms: number, queryTerms: number, into: number): number;
  /** The same for products in float32. */
  selectFloats(dots: number, rows: number, width: number, rowTerms: number, queryTerms: number, into: number): number;
  /** Computes squared lengths of float32 rows, in float32. @param into float32 [count] */
  squares(rows: number, count: number, dimension: number, into: number): void;
  /** Sums in double precision, in a fixed order: four sums, of every fourth product. */
  innerProduct(a: number, b: number, dimension: number): number;
  /** Sums in the same order. */
  squaredDifference(a: number, b: number, dimension: number): number;
  /** The same for RESCORED_AT_ONCE rows, in less time. @param into float64, a sum a row */
  innerProducts(query: number, a: number, b: number, c: number, d: number, dimension: number, into: number): void;
  squaredDifferences(query: number, a: number, b: number, c: number, d: number, dimension: number, into: number): void;
}

/** Sixteen components a step, with four sums: a single one would wait for each addition. */
function quantize(): WasmFunction {
  const locals = new Locals('i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f32', 'i32');
  const [row, count, dimension, mean, buffer, codes, numbers, unit, largest, flip] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const four = () => QUARTERS.map(() => locals.add('v128'));
  const [at, bytes] = [locals.add('i32'), locals.add('i32')];
  const [scale, top] = [locals.add('f32'), locals.add('f32')];
  const [factor, step] = [locals.add('v128'), locals.add('v128')];
  const [values, squares, means, tops] = [four(), four(), four(), four()];
  const component = (base: number, part: number): Code => v128.load(i32.add(get(base), get(at)), 16 * part);
  const inParts = (make: (part: number) => Code): Code => QUARTERS.flatMap((part) => [...make(part)]);
  const eachSixteen = (...body: Code[]): Code => [
    ...set(at, i32.const(0)),
    ...loop(i32.lessUnsigned(get(at), get(bytes)), ...body, advance(at, 64)),
  ];
  const clear = (sums: readonly number[]): Code => sums.flatMap((sum) => [...set(sum, v128.zero)]);
  const accumulate = (sum: number, a: Code, b: Code): Code => set(sum, f32x4.add(get(sum), f32x4.mul(a, b)));
  const total = (sums: readonly number[]): Code => {
    const [s0, s1, s2, s3] = sums.map((sum) => get(sum)) as [Code, Code, Code, Code];
    return [
      ...set(sums[0]!, f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3))),
      ...lanesOf(sums[0]!).reduce((a, b) => f32.add(a, b)),
    ];
  };
  const [v0, v1, v2, v3] = values.map((value) => get(value)) as [Code, Code, Code, Code];
  const oneRow: Code[] = [
    set(factor, f32x4.splat(f32.const(1))),
    when(
      get(unit),
      clear(squares),
      eachSixteen(inParts((i) => accumulate(squares[i]!, component(row, i), component(row, i)))),
      set(factor, f32x4.splat(f32.div(f32.const(1), f32.sqrt(total(squares))))),
    ),
    clear([...squares, ...means, ...tops]),
    eachSixteen(
      inParts((i) => [
        ...set(values[i]!, f32x4.sub(f32x4.mul(component(row, i), get(factor)), component(mean, i))),
        ...v128.store(i32.add(get(buffer), get(at)), get(values[i]!), 16 * i),
        ...set(tops[i]!, f32x4.max(get(tops[i]!), f32x4.abs(get(values[i]!)))),
        ...accumulate(squares[i]!, get(values[i]!), get(values[i]!)),
        ...accumulate(means[i]!, get(values[i]!), component(mean, i)),
      ]),
    ),
    set(tops[0]!, f32x4.max(f32x4.max(get(tops[0]!), get(tops[1]!)), f32x4.max(get(tops[2]!), get(tops[3]!)))),
    set(
      top,
      lanesOf(tops[0]!).reduce((a, b) => f32.max(a, b)),
    ),
    set(top, choose(get(top), f32.const(1), f32.greater(get(top), f32.const(0)))),
    set(scale, f32.div(get(top), get(largest))),
    set(step, f32x4.splat(get(scale))),
    set(factor, f32x4.splat(f32.div(get(largest), get(top)))),
    f32.store(get(numbers), get(scale)),
    f32.store(get(numbers), f32.sqrt(total(squares)), 4),
    f32.store(get(numbers), total(means), 12),
    clear(squares),
    eachSixteen(
      inParts((i) => [
        ...set(means[i]!, component(buffer, i)),
        ...set(values[i]!, f32x4.add(f32x4.mul(get(means[i]!), get(factor)), f32x4.splat(f32.const(ROUNDER)))),
        // The rounding error, against the code's value.
        ...set(
          means[i]!,
          f32x4.sub(get(means[i]!), f32x4.mul(f32x4.sub(get(values[i]!), f32x4.splat(f32.const(ROUNDER))), get(step))),
        ),
        ...accumulate(squares[i]!, get(means[i]!), get(means[i]!)),
        ...set(values[i]!, i32x4.sub(get(values[i]!), f32x4.splat(f32.const(ROUNDER)))),
      ]),
      v128.store(
        get(codes),
        v128.xor(i8x16.narrow(i16x8.narrow(v0, v1), i16x8.narrow(v2, v3)), i8x16.splat(get(flip))),
      ),
      advance(codes, LANES),
    ),
    f32.store(get(numbers), f32.sqrt(total(squares)), 8),
    advance(numbers, 4 * ROW_NUMBERS),
    advance(row, get(bytes)),
    countDown(count),
  ];
  const body = [...set(bytes, i32.shl(get(dimension), i32.const(2))), ...loop(get(count), ...oneRow)];
  return { name: 'quantize', locals, body };
}

/** Sixteen components a step, the rest one by one. */
function squares(): WasmFunction {
  const locals = new Locals('i32', 'i32', 'i32', 'i32');
  const [at, count, dimension, into] = [0, 1, 2, 3];
  const sums = QUARTERS.map(() => locals.add('v128'));
  const [values, end, total] = [locals.add('v128'), locals.add('i32'), locals.add('f32')];
  const endAfter = (components: Code): Code => set(end, i32.add(get(at), i32.shl(components, i32.const(2))));
  const [s0, s1, s2, s3] = sums.map((sum) => get(sum)) as [Code, Code, Code, Code];
  const component = f32.load(get(at));
  const oneRow = [
    ...sums.map((sum) => set(sum, v128.zero)),
    endAfter(i32.and(get(dimension), i32.const(-LANES))),
    loop(
      i32.lessUnsigned(get(at), get(end)),
      ...sums.flatMap((sum, i) => [
        set(values, v128.load(get(at), 16 * i)),
        set(sum, f32x4.add(get(sum), f32x4.mul(get(values), get(values)))),
      ]),
      advance(at, 4 * LANES),
    ),
    set(sums[0]!, f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3))),
    set(
      total,
      lanesOf(sums[0]!).reduce((a, b) => f32.add(a, b)),
    ),
    endAfter(i32.and(get(dimension), i32.const(LANES - 1))),
    loop(
      i32.lessUnsigned(get(at), get(end)),
      set(total, f32.add(get(total), f32.mul(component, component))),
      advance(at, 4),
    ),
    f32.store(get(into), get(total)),
    advance(into, 4),
    countDown(count),
  ];
  return { name: 'squares', locals, body: loop(get(count), ...oneRow) };
}

/** Writes `first` + the position of each set bit; returns the address after the last. */
function emit(): WasmFunction {
  const locals = new Locals('i32', 'i32', 'i32');
  const [mask, first, into] = [0, 1, 2];
  const body = [
    ...loop(
      get(mask),
      i32.store(get(into), i32.add(get(first), i32.ctz(get(mask)))),
      advance(into, 4),
      set(mask, i32.and(get(mask), i32.sub(get(mask), i32.const(1)))),
    ),
    ...get(into),
  ];
  return { name: 'emit', locals, result: 'i32', body };
}

/** @param toFloats converts four products to float32 */
function select(name: string, emitIndex: number, toFloats: (dots: Code) => Code): WasmFunction {
  const locals = new Locals('i32', 'i32', 'i32', 'i32', 'i32', 'i32');
  const [dot, rows, width, rowTerms, queryTerms, into] = [0, 1, 2, 3, 4, 5];
  const [start, bytes, column, pair] = [locals.add('i32'), locals.add('i32'), locals.add('i32'), locals.add('i32')];
  const [a, b, c, d] = Array.from({ length: 4 }, () => locals.add('v128')) as [number, number, number, number];
  const less = Array.from({ length: 4 }, () => locals.add('v128'));
  const [cs, leasts] = [locals.add('i32'), locals.add('i32')];
  const isLess = (i: number): Code => {
    const offset = 16 * i;
    const own = f32x4.mul(toFloats(v128.load(get(dot), offset)), get(a));
    const ofB = f32x4.mul(v128.load(get(column), offset), get(b));
    const ofC = f32x4.mul(v128.load(i32.add(get(column), get(bytes)), offset), get(c));
    const least = v128.load(i32.add(get(column), get(leasts)), offset);
    return set(less[i]!, f32x4.less(f32x4.add(f32x4.add(own, ofB), f32x4.add(ofC, get(d))), least));
  };
  const bits = less
    .map((mask, i) => i32.shl(i32x4.bitmask(get(mask)), i32.const(4 * i)))
    .reduce((x, y) => i32.or(x, y));
  const term = (offset: number): Code => f32x4.splat(f32.load(get(rowTerms), offset));
  const body = [
    ...set(start, get(into)),
    ...set(bytes, i32.shl(get(width), i32.const(2))),
    ...set(leasts, i32.shl(get(bytes), i32.const(1))),
    ...set(cs, i32.add(get(queryTerms), get(bytes))),
    ...loop(
      get(rows),
      set(a, term(0)),
      set(b, term(4)),
      set(c, term(8)),
      set(d, term(12)),
      set(column, get(queryTerms)),
      loop(
        i32.lessUnsigned(get(column), get(cs)),
        ...less.map((_, i) => isLess(i)),
        // Mostly no query survives: one test for sixteen.
        when(
          i32.xor(i32x4.allTrue(less.map((mask) => get(mask)).reduce((x, y) => v128.and(x, y))), i32.const(1)),
          set(into, call(emitIndex, i32.xor(bits, i32.const(0xffff)), get(pair), get(into))),
        ),
        advance(dot, 4 * LANES),
        advance(column, 4 * LANES),
        advance(pair, LANES),
      ),
      advance(rowTerms, 16),
      countDown(rows),
    ),
    ...i32.shiftRight(i32.sub(get(into), get(start)), i32.const(2)),
  ];
  return { name, locals, result: 'i32', body };
}

/**
 * Sums `term` over all components: four sums side by side, s0 + s1 + (s2 + s3); the last few are added to s0. Several rows are
 * compared with one vector at once, as the sums of one row alone would wait for each addition; each row's result is the same.
 */
function sums(
  name: string,
  rowCount: number,
  term: (a: Code, b: Code) => Code,
  scalarTerm: (a: Code, b: Code) => Code,
): WasmFunction {
  const isSingle = rowCount === 1;
  const locals = new Locals(...Array.from({ length: rowCount + (isSingle ? 2 : 3) }, () => 'i32' as const));
  const query = 0;
  const rows = Array.from({ length: rowCount }, (_, row) => 1 + row);
  const [dimension, into] = [rowCount + 1, rowCount + 2];
  const accumulators = rows.map(() => ({
    low: locals.add('v128'),
    high: locals.add('v128'),
    first: locals.add('f64'),
  }));
  const [queryLow, queryHigh, end] = [locals.add('v128'), locals.add('v128'), locals.add('i32')];
  const half = (pointer: number, offset: number): Code => f64x2.promoteLow(v128.loadHalf(get(pointer), offset));
  const scalar = (pointer: number): Code => f64.promote(f32.load(get(pointer)));
  const advanceAll = (bytes: number): Code => [query, ...rows].flatMap((pointer) => [...advance(pointer, bytes)]);
  const endAfter = (components: Code): Code => set(end, i32.add(get(query), i32.shl(components, i32.const(2))));
  const total = ({ low, high, first }: (typeof accumulators)[number]): Code =>
    f64.add(f64.add(get(first), f64x2.lane(get(low), 1)), f64.add(f64x2.lane(get(high), 0), f64x2.lane(get(high), 1)));
  const accumulate = (sum: number, ofQuery: number, pointer: number, offset: number): Code =>
    set(sum, f64x2.add(get(sum), term(get(ofQuery), half(pointer, offset))));
  const body = [
    ...endAfter(i32.and(get(dimension), i32.const(-4))),
    ...loop(
      i32.lessUnsigned(get(query), get(end)),
      set(queryLow, half(query, 0)),
      set(queryHigh, half(query, 8)),
      ...accumulators.flatMap(({ low, high }, row) => [
        accumulate(low, queryLow, rows[row]!, 0),
        accumulate(high, queryHigh, rows[row]!, 8),
      ]),
      advanceAll(16),
    ),
    ...accumulators.flatMap(({ low, first }) => [...set(first, f64x2.lane(get(low), 0))]),
    ...endAfter(i32.and(get(dimension), i32.const(3))),
    ...loop(
      i32.lessUnsigned(get(query), get(end)),
      ...accumulators.map(({ first }, row) =>
        set(first, f64.add(get(first), scalarTerm(scalar(query), scalar(rows[row]!)))),
      ),
      advanceAll(4),
    ),
    ...(isSingle
      ? total(accumulators[0]!)
      : accumulators.flatMap((sum, row) => [...f64.store(get(into), total(sum), 8 * row)])),
  ];
  return { name, locals, ...(isSingle && { result: 'f64' as const }), body };
}

/** Assembles the kernels as a module, whose instances share one memory. */
export function kernelModule(): Uint8Array<ArrayBuffer> {
  const differences = (name: string, rows: number) =>
    sums(
      name,
      rows,
      (a, b) => f64x2.mul(f64x2.sub(a, b), f64x2.sub(a, b)),
      (a, b) => f64.mul(f64.sub(a, b), f64.sub(a, b)),
    );
  const products = (name: string, rows: number) => sums(name, rows, f64x2.mul, f64.mul);
  return assemble([
    emit(),
    select('select', 0, f32x4.fromIntegers),
    select('selectFloats', 0, (dots) => dots),
    quantize(),
    squares(),
    products('innerProduct', 1),
    differences('squaredDifference', 1),
    products('innerProducts', RESCORED_AT_ONCE),
    differences('squaredDifferences', RESCORED_AT_ONCE),
  ]);
}
