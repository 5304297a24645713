import { type Code, get, i8x16, i32, set, v128, type WasmFunction, when } from '../../base/wasm/assembler.ts';
import { advance } from '../../base/wasm/simd.ts';
import { COLUMN_BYTES, kernelFrame, type Lanes, PATH_NUMBERS, TRACE_ROW_BYTES } from './kernel-frame.ts';

/** Carries the numbers of its path with each score, so that no path is traced back, and the memory grows with the query alone. */
export function traceKernel(name: string, lanes: Lanes): WasmFunction {
  const {
    locals,
    vector,
    at,
    into,
    zero,
    open,
    extend,
    low,
    constants,
    eachRow,
    eachColumn,
    eachCode,
    readColumn,
    scores,
    floored,
    profile,
  } = kernelFrame(lanes);
  const path = () => Array.from({ length: PATH_NUMBERS }, vector);
  const [h, e, f, diagonal, best, mask] = [vector(), vector(), vector(), vector(), vector(), vector()];
  const [hPath, ePath, fPath, diagonalPath, bestPath] = [path(), path(), path(), path(), path()];
  /** Positions after those of the cell: where a path that follows a score of zero starts. */
  const [queryNext, targetNext, one, nothing] = [vector(), vector(), vector(), vector()];
  const fresh = [queryNext, targetNext, nothing, nothing];
  const [bestQuery, bestTarget] = [vector(), vector()];
  const [profileRow, code] = [locals.add('i32'), locals.add('i32')];
  const [IDENTICAL, COLUMNS] = [2, 3];

  const copy = (to: readonly number[], from: readonly number[]): Code =>
    to.flatMap((local, i) => [...set(local, get(from[i]!))]);
  /** Sets the lanes of the mask to those of another path. */
  const replace = (path: readonly number[], other: readonly number[]): Code =>
    path.flatMap((local, i) => [...set(local, v128.selectLanes(get(other[i]!), get(local), get(mask)))]);
  const increment = (local: number): Code => set(local, lanes.plainAdd(get(local), get(one)));
  const hAt = 0;
  const eAt = (1 + PATH_NUMBERS) * 16;
  const load = (score: number, path: readonly number[], offset: number): Code =>
    [score, ...path].flatMap((local, i) => [...set(local, v128.load(get(at), offset + 16 * i))]);
  const store = (score: number, path: readonly number[], offset: number): Code =>
    [score, ...path].flatMap((local, i) => [...v128.store(get(at), get(local), offset + 16 * i)]);
  /** Continues the path of a gap where it scores more than the cell so far. */
  const takeIfGreater = (other: number, otherPath: readonly number[]): Code => [
    ...set(mask, lanes.greater(get(other), get(h))),
    ...replace(hPath, otherPath),
    ...set(h, lanes.max(get(h), get(other))),
  ];
  /** The score of a gap of one column after the cell. */
  const opened = vector();
  /** Sets the score and the path of a gap to those of one that is a column longer, or that starts after the cell. */
  const extendGap = (gap: number, gapPath: readonly number[]): Code => [
    ...set(gap, lanes.sub(get(gap), get(extend))),
    ...set(mask, lanes.greater(get(opened), get(gap))),
    ...replace(gapPath, hPath),
    ...increment(gapPath[COLUMNS]!),
    ...set(gap, lanes.max(get(gap), get(opened))),
  ];
  const body = [
    ...constants,
    ...set(one, lanes.splat(i32.const(1))),
    ...set(best, get(zero)),
    ...set(e, get(zero)),
    ...set(h, get(zero)),
    ...copy(hPath, fresh),
    ...eachRow(TRACE_ROW_BYTES, increment(hPath[0]!), store(h, hPath, hAt), store(e, ePath, eAt)),
    ...eachColumn(
      1,
      readColumn(0),
      eachCode(
        v128.store(get(at), scores),
        v128.store(get(at), i8x16.equal(i8x16.splat(get(code)), get(low)), COLUMN_BYTES),
        advance(code, 1),
      ),
      set(code, i32.const(0)),
      set(f, get(zero)),
      set(diagonal, get(zero)),
      set(queryNext, get(nothing)),
      copy(diagonalPath, [queryNext, targetNext, nothing, nothing]),
      increment(targetNext),
      eachRow(
        TRACE_ROW_BYTES,
        increment(queryNext),
        set(profileRow, profile),
        set(h, floored(lanes.add(get(diagonal), lanes.loadBytes(get(profileRow), 0)))),
        copy(hPath, diagonalPath),
        set(hPath[IDENTICAL]!, lanes.plainSub(get(hPath[IDENTICAL]!), lanes.loadBytes(get(profileRow), COLUMN_BYTES))),
        increment(hPath[COLUMNS]!),
        load(diagonal, diagonalPath, hAt),
        load(e, ePath, eAt),
        takeIfGreater(e, ePath),
        takeIfGreater(f, fPath),
        set(mask, lanes.equal(get(h), get(zero))),
        replace(hPath, fresh),
        set(mask, lanes.greater(get(h), get(best))),
        when(
          v128.anyTrue(get(mask)),
          replace([best, bestQuery, bestTarget, ...bestPath], [h, queryNext, targetNext, ...hPath]),
        ),
        store(h, hPath, hAt),
        set(opened, lanes.sub(get(h), get(open))),
        extendGap(e, ePath),
        store(e, ePath, eAt),
        extendGap(f, fPath),
      ),
    ),
    ...[best, bestQuery, bestTarget, ...bestPath].flatMap((local, i) => [...v128.store(get(into), get(local), 16 * i)]),
  ];
  return { name, locals, body };
}
