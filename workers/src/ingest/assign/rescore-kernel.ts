import {
  type Code,
  f32,
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
import { advance, countDown, LANES } from '../../base/wasm/simd.ts';
import { CANDIDATE_BYTES, NO_CENTROID, ROW_BYTES } from './kernel-parts.ts';

/** Scores candidates by all components. Sums are of integers, so exact; ties go to the smaller centroid. */
export function rescore(): WasmFunction {
  const locals = new Locals('i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32');
  const [codes, count, width, numbers, candidates, kept, centroids, terms, total] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const integer = () => locals.add('i32');
  const [at, end, centroid, row, column, rowEnd, term] = [
    integer(),
    integer(),
    integer(),
    integer(),
    integer(),
    integer(),
    integer(),
  ];
  const [best, nearest, score] = [locals.add('f32'), integer(), locals.add('f32')];
  const [a, b, sum] = [locals.add('v128'), locals.add('v128'), locals.add('v128')];
  const flip = i8x16.splat(i32.const(128));
  const half = (extend: (value: Code) => Code): Code =>
    set(sum, i32x4.add(get(sum), i32x4.dot(extend(get(a)), extend(get(b)))));
  const dot = (): Code[] => [
    set(sum, v128.zero),
    set(row, get(codes)),
    set(rowEnd, i32.add(get(codes), get(width))),
    set(column, i32.add(get(centroids), i32.mul(get(centroid), get(width)))),
    loop(
      i32.lessUnsigned(get(row), get(rowEnd)),
      set(a, v128.xor(v128.load(get(row)), flip)),
      set(b, v128.load(get(column))),
      half(i16x8.extendLow),
      half(i16x8.extendHigh),
      advance(row, LANES),
      advance(column, LANES),
    ),
  ];
  const sumOfLanes = [0, 1, 2, 3].map((lane): Code => i32x4.lane(get(sum), lane)).reduce((x, y) => i32.add(x, y));
  const scoreOfSum = f32.add(
    f32.mul(f32.mul(f32.fromInteger(sumOfLanes), f32.load(get(term))), f32.load(get(numbers))),
    f32.load(i32.add(get(term), i32.shl(get(total), i32.const(2)))),
  );
  const isBetter = i32.or(
    f32.greater(get(score), get(best)),
    i32.and(f32.equal(get(score), get(best)), i32.lessUnsigned(get(centroid), get(nearest))),
  );
  const body = loop(
    get(count),
    set(best, f32.const(Number.NEGATIVE_INFINITY)),
    set(nearest, i32.const(NO_CENTROID)),
    set(at, get(candidates)),
    set(end, i32.add(get(candidates), i32.mul(get(kept), i32.const(CANDIDATE_BYTES)))),
    loop(
      i32.lessUnsigned(get(at), get(end)),
      set(centroid, i32.load(get(at), 4)),
      when(
        i32.lessUnsigned(get(centroid), i32.const(NO_CENTROID)),
        ...dot(),
        set(term, i32.add(get(terms), i32.shl(get(centroid), i32.const(2)))),
        set(score, scoreOfSum),
        when(isBetter, set(best, get(score)), set(nearest, get(centroid))),
      ),
      advance(at, CANDIDATE_BYTES),
    ),
    f32.store(get(candidates), get(best)),
    i32.store(get(candidates), get(nearest), 4),
    set(candidates, get(end)),
    set(codes, i32.add(get(codes), get(width))),
    advance(numbers, ROW_BYTES),
    countDown(count),
  );
  return { name: 'rescore', locals, body };
}
