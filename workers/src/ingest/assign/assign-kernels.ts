import {
  assemble,
  type Code,
  call,
  f32,
  f32x4,
  get,
  i8x16,
  i16x8,
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

/** Row and column counts of codes are padded to a multiple of this. */
export const LANES = 16;
/** Bytes of a row's numbers: the scale of its codes, and its length; both float32. */
export const ROW_BYTES = 8;
/** Bytes of a candidate: its score (float32) and its centroid (int32). */
export const CANDIDATE_BYTES = 8;
/** The centroid of an empty candidate, whose score is -Infinity. */
export const NO_CENTROID = 0x7fff_ffff;
/** Scratch space of `select`: the scores of sixteen columns. */
export const SCORE_BYTES = 4 * LANES;

/** What runs in WebAssembly. Arguments are addresses in its memory, or counts. */
export interface AssignKernels {
  /**
   * Rounds rows less `mean` to codes of 8 bits, 128 for zero. Each row has a scale of its own: its codes depend on nothing else.
   * @param rows float32 [count, width], overwritten by the centred rows @param unit 1: rows are scaled to unit length first
   * @param codes uint8 [count, width] @param numbers ROW_BYTES each
   */
  encode(rows: number, count: number, width: number, mean: number, unit: number, codes: number, numbers: number): void;
  /** Copies the codes of rows. @param rowIds int32 [count] @param into uint8 [count, width] */
  gather(codes: number, rowIds: number, count: number, width: number, into: number): void;
  /**
   * Puts the best columns into the candidates of rows, by score and then by centroid. The score of a column is
   * dot * its scale * the row's scale + its bias.
   * @param dots int32 [count, columns] @param rowIds int32 [count]: which rows these are
   * @param terms of the columns: scales, biases, centroids [3, columns] @param candidates `kept` for each row, best first
   * @param scratch SCORE_BYTES
   */
  select(
    dots: number,
    rowIds: number,
    count: number,
    columns: number,
    terms: number,
    numbers: number,
    candidates: number,
    kept: number,
    scratch: number,
  ): void;
  /**
   * Emits the columns whose score is within slack * (row length + base) of the row's best candidate.
   * @param candidates one for each row @param into uint32: row * columns + column @returns their count
   */
  near(
    dots: number,
    count: number,
    columns: number,
    terms: number,
    numbers: number,
    candidates: number,
    slack: number,
    base: number,
    into: number,
  ): number;
}

/** 1.5 * 2^23: added to a number below 2^22, it leaves the rounded number in the lowest bits. */
const ROUNDER = 12582912;
const LARGEST_ROW_CODE = 127;
/** The smallest number with all digits: a row of zeros must not become one of NaN. */
const LEAST_SQUARE = 2 ** -126;
/** Components below it have squares that float32 does not hold. */
const LEAST_COMPONENT = 2 ** -100;

const advance = (local: number, by: number): Code => set(local, i32.add(get(local), i32.const(by)));
const countDown = (local: number): Code => advance(local, -1);
const lanesOf = (value: number): Code[] => [0, 1, 2, 3].map((lane) => f32x4.lane(get(value), lane));
const QUARTERS = [0, 1, 2, 3] as const;

function encode(): WasmFunction {
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

function gather(): WasmFunction {
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

/** Puts a centroid into sorted candidates, where it is better than the last. */
function insert(): WasmFunction {
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

function select(insertIndex: number): WasmFunction {
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

function near(): WasmFunction {
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

export function assignKernelModule(): Uint8Array<ArrayBuffer> {
  return assemble([encode(), gather(), insert(), select(2), near()]);
}
