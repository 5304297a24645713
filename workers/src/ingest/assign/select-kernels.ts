import {
  type Code,
  call,
  f32,
  f32x4,
  get,
  i32,
  i32x4,
  i64,
  Locals,
  loop,
  set,
  v128,
  type WasmFunction,
  when,
} from '../../base/wasm/assembler.ts';
import { advance, countDown, LANES, QUARTERS } from '../../base/wasm/simd.ts';
import { CANDIDATE_BYTES, ROW_BYTES } from './kernel-parts.ts';

/** Puts a centroid into sorted candidates, where it is better than the last. */
export function insert(): WasmFunction {
  const locals = new Locals('i32', 'i32', 'f32', 'i32');
  const [candidates, kept, score, centroid] = [0, 1, 2, 3];
  const at = locals.add('i32');
  const isBetterThan = (address: Code): Code =>
    i32.or(
      f32.greater(get(score), f32.load(address)),
      i32.and(f32.equal(get(score), f32.load(address)), i32.lessUnsigned(get(centroid), i32.load(address, 4))),
    );
  const before = i32.sub(get(at), i32.const(CANDIDATE_BYTES));
  const body = [
    ...set(at, i32.add(get(candidates), i32.shl(i32.sub(get(kept), i32.const(1)), i32.const(3)))),
    ...when(
      isBetterThan(get(at)),
      loop(
        i32.and(i32.lessUnsigned(get(candidates), get(at)), isBetterThan(before)),
        i64.store(get(at), i64.load(before)),
        set(at, before),
      ),
      f32.store(get(at), get(score)),
      i32.store(get(at), get(centroid), 4),
    ),
  ];
  return { name: 'insert', locals, body };
}

/** The scores of columns 4 * part to 4 * part + 3, from those at `column`, `dot` on. */
function scoreOf(dot: number, column: number, biasBytes: number, scale: number, part: number): Code {
  const offset = 16 * part;
  const product = f32x4.mul(f32x4.fromIntegers(v128.load(get(dot), offset)), v128.load(get(column), offset));
  return f32x4.add(f32x4.mul(product, get(scale)), v128.load(i32.add(get(column), get(biasBytes)), offset));
}

/** A bit for each of sixteen scores that is at least the limit. */
function atLeast(scores: readonly number[], limit: number): Code {
  return scores
    .map((score, i) => i32.shl(i32x4.bitmask(f32x4.atLeast(get(score), get(limit))), i32.const(4 * i)))
    .reduce((x, y) => i32.or(x, y));
}

export function select(insertIndex: number): WasmFunction {
  const locals = new Locals('i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32');
  const [dot, rowIds, count, columns, terms, numbers, candidates, kept, scratch] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const integer = () => locals.add('i32');
  const [row, column, end, bytes, own, last, bits, position] = [
    integer(),
    integer(),
    integer(),
    integer(),
    integer(),
    integer(),
    integer(),
    integer(),
  ];
  const [scale, limit] = [locals.add('v128'), locals.add('v128')];
  const scores = QUARTERS.map(() => locals.add('v128'));
  const setLimit = set(limit, f32x4.splat(f32.load(get(last))));
  const insertLowestBit: Code[] = [
    set(position, i32.shl(i32.ctz(get(bits)), i32.const(2))),
    call(
      insertIndex,
      get(own),
      get(kept),
      f32.load(i32.add(get(scratch), get(position))),
      // Centroids follow scales and biases.
      i32.load(i32.add(i32.add(get(column), get(position)), i32.shl(get(bytes), i32.const(1)))),
    ),
    set(bits, i32.and(get(bits), i32.sub(get(bits), i32.const(1)))),
  ];
  const body = [
    ...set(bytes, i32.shl(get(columns), i32.const(2))),
    ...set(end, i32.add(get(terms), get(bytes))),
    ...loop(
      get(count),
      set(row, i32.load(get(rowIds))),
      set(scale, f32x4.splat(f32.load(i32.add(get(numbers), i32.mul(get(row), i32.const(ROW_BYTES)))))),
      set(own, i32.add(get(candidates), i32.shl(i32.mul(get(row), get(kept)), i32.const(3)))),
      set(last, i32.add(get(own), i32.shl(i32.sub(get(kept), i32.const(1)), i32.const(3)))),
      setLimit,
      set(column, get(terms)),
      loop(
        i32.lessUnsigned(get(column), get(end)),
        ...scores.map((score, i) => set(score, scoreOf(dot, column, bytes, scale, i))),
        set(bits, atLeast(scores, limit)),
        when(
          get(bits),
          ...scores.map((score, i) => v128.store(get(scratch), get(score), 16 * i)),
          loop(get(bits), ...insertLowestBit),
          setLimit,
        ),
        advance(dot, 4 * LANES),
        advance(column, 4 * LANES),
      ),
      advance(rowIds, 4),
      countDown(count),
    ),
  ];
  return { name: 'select', locals, body };
}

export function near(): WasmFunction {
  const locals = new Locals('i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f32', 'f32', 'i32');
  const [dot, count, columns, terms, numbers, candidates, slack, base, into] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const integer = () => locals.add('i32');
  const [column, end, bytes, bits, pair, start] = [integer(), integer(), integer(), integer(), integer(), integer()];
  const [scale, limit] = [locals.add('v128'), locals.add('v128')];
  const scores = QUARTERS.map(() => locals.add('v128'));
  const width = f32.mul(get(slack), f32.add(f32.load(get(numbers), 4), get(base)));
  const emitLowestBit: Code[] = [
    i32.store(get(into), i32.add(get(pair), i32.ctz(get(bits)))),
    advance(into, 4),
    set(bits, i32.and(get(bits), i32.sub(get(bits), i32.const(1)))),
  ];
  const body = [
    ...set(start, get(into)),
    ...set(bytes, i32.shl(get(columns), i32.const(2))),
    ...set(end, i32.add(get(terms), get(bytes))),
    ...loop(
      get(count),
      set(scale, f32x4.splat(f32.load(get(numbers)))),
      set(limit, f32x4.splat(f32.sub(f32.load(get(candidates)), width))),
      set(column, get(terms)),
      loop(
        i32.lessUnsigned(get(column), get(end)),
        ...scores.map((score, i) => set(score, scoreOf(dot, column, bytes, scale, i))),
        set(bits, atLeast(scores, limit)),
        loop(get(bits), ...emitLowestBit),
        advance(dot, 4 * LANES),
        advance(column, 4 * LANES),
        advance(pair, LANES),
      ),
      advance(numbers, ROW_BYTES),
      advance(candidates, CANDIDATE_BYTES),
      countDown(count),
    ),
    ...i32.shiftRight(i32.sub(get(into), get(start)), i32.const(2)),
  ];
  return { name: 'near', locals, result: 'i32', body };
}
