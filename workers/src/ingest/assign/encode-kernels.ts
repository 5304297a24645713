import {
  type Code,
  f32,
  f32x4,
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
} from '../../base/wasm/assembler.ts';
import { advance, countDown, LANES, lanesOf, QUARTERS, ROUNDER } from '../../base/wasm/simd.ts';
import { ROW_BYTES } from './kernel-parts.ts';

const LARGEST_ROW_CODE = 127;
/** The smallest number with all digits: a row of zeros must not become one of NaN. */
const LEAST_SQUARE = 2 ** -126;
/** Components below it have squares that float32 does not hold. */
const LEAST_COMPONENT = 2 ** -100;

/** Rounds rows to codes. */
export function encode(): WasmFunction {
  const locals = new Locals('i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32');
  const [row, count, width, mean, unit, codes, numbers] = [0, 1, 2, 3, 4, 5, 6];
  const four = () => QUARTERS.map(() => locals.add('v128'));
  const [at, bytes, top, factor] = [locals.add('i32'), locals.add('i32'), locals.add('f32'), locals.add('v128')];
  const [values, squares, tops] = [four(), four(), four()];
  const component = (base: number, part: number): Code => v128.load(i32.add(get(base), get(at)), 16 * part);
  const inParts = (make: (part: number) => Code): Code => QUARTERS.flatMap((part) => [...make(part)]);
  const eachSixteen = (...body: Code[]): Code => [
    ...set(at, i32.const(0)),
    ...loop(i32.lessUnsigned(get(at), get(bytes)), ...body, advance(at, 4 * LANES)),
  ];
  const clear = (sums: readonly number[]): Code => sums.flatMap((sum) => [...set(sum, v128.zero)]);
  const accumulate = (sum: number, a: Code): Code => set(sum, f32x4.add(get(sum), f32x4.mul(a, a)));
  const total = (): Code => {
    const [s0, s1, s2, s3] = squares.map((sum) => get(sum)) as [Code, Code, Code, Code];
    return [
      ...set(squares[0]!, f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3))),
      ...lanesOf(squares[0]!).reduce((a, b) => f32.add(a, b)),
    ];
  };
  const [v0, v1, v2, v3] = values.map((value) => get(value)) as [Code, Code, Code, Code];
  const rounder = f32x4.splat(f32.const(ROUNDER));
  const oneRow: Code[] = [
    set(factor, f32x4.splat(f32.const(1))),
    when(
      get(unit),
      clear(squares),
      eachSixteen(inParts((i) => accumulate(squares[i]!, component(row, i)))),
      set(factor, f32x4.splat(f32.div(f32.const(1), f32.sqrt(f32.max(total(), f32.const(LEAST_SQUARE)))))),
    ),
    clear([...squares, ...tops]),
    eachSixteen(
      inParts((i) => [
        ...set(values[i]!, f32x4.sub(f32x4.mul(component(row, i), get(factor)), component(mean, i))),
        ...v128.store(i32.add(get(row), get(at)), get(values[i]!), 16 * i),
        ...set(tops[i]!, f32x4.max(get(tops[i]!), f32x4.abs(get(values[i]!)))),
        ...accumulate(squares[i]!, get(values[i]!)),
      ]),
    ),
    set(tops[0]!, f32x4.max(f32x4.max(get(tops[0]!), get(tops[1]!)), f32x4.max(get(tops[2]!), get(tops[3]!)))),
    set(
      top,
      [...lanesOf(tops[0]!), f32.const(LEAST_COMPONENT)].reduce((a, b) => f32.max(a, b)),
    ),
    f32.store(get(numbers), f32.div(get(top), f32.const(LARGEST_ROW_CODE))),
    f32.store(get(numbers), f32.sqrt(total()), 4),
    set(factor, f32x4.splat(f32.div(f32.const(LARGEST_ROW_CODE), get(top)))),
    eachSixteen(
      inParts((i) =>
        set(values[i]!, i32x4.sub(f32x4.add(f32x4.mul(component(row, i), get(factor)), rounder), rounder)),
      ),
      v128.store(
        get(codes),
        v128.xor(i8x16.narrow(i16x8.narrow(v0, v1), i16x8.narrow(v2, v3)), i8x16.splat(i32.const(128))),
      ),
      advance(codes, LANES),
    ),
    advance(numbers, ROW_BYTES),
    set(row, i32.add(get(row), get(bytes))),
    countDown(count),
  ];
  const body = [...set(bytes, i32.shl(get(width), i32.const(2))), ...loop(get(count), ...oneRow)];
  return { name: 'encode', locals, body };
}

/** Copies the codes of rows. */
export function gather(): WasmFunction {
  const locals = new Locals('i32', 'i32', 'i32', 'i32', 'i32');
  const [codes, rowIds, count, width, into] = [0, 1, 2, 3, 4];
  const [from, end] = [locals.add('i32'), locals.add('i32')];
  const body = loop(
    get(count),
    set(from, i32.add(get(codes), i32.mul(i32.load(get(rowIds)), get(width)))),
    set(end, i32.add(get(from), get(width))),
    loop(
      i32.lessUnsigned(get(from), get(end)),
      v128.store(get(into), v128.load(get(from))),
      advance(from, LANES),
      advance(into, LANES),
    ),
    advance(rowIds, 4),
    countDown(count),
  );
  return { name: 'gather', locals, body };
}

/** Makes float32 rows of products. */
export function scaleDots(): WasmFunction {
  const locals = new Locals('i32', 'i32', 'i32', 'i32', 'i32', 'i32');
  const [dots, count, columns, scales, numbers, into] = [0, 1, 2, 3, 4, 5];
  const [column, end, scale] = [locals.add('i32'), locals.add('i32'), locals.add('v128')];
  const body = [
    ...set(end, i32.add(get(scales), i32.shl(get(columns), i32.const(2)))),
    ...loop(
      get(count),
      set(scale, f32x4.splat(f32.load(get(numbers)))),
      set(column, get(scales)),
      loop(
        i32.lessUnsigned(get(column), get(end)),
        v128.store(
          get(into),
          f32x4.mul(f32x4.mul(f32x4.fromIntegers(v128.load(get(dots))), v128.load(get(column))), get(scale)),
        ),
        advance(dots, 16),
        advance(column, 16),
        advance(into, 16),
      ),
      advance(numbers, ROW_BYTES),
      countDown(count),
    ),
  ];
  return { name: 'scaleDots', locals, body };
}
