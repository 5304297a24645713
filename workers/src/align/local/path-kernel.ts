import { type Code, get, i32, set, v128, type WasmFunction } from '../../base/wasm/assembler.ts';
import { advance } from '../../base/wasm/simd.ts';
import { COLUMN_BYTES, kernelFrame, type Lanes, SCORE_ROW_BYTES } from './kernel-frame.ts';

/**
 * What a cell of a path kernel says of each lane, as the bits of a number that is stored negated: the masks of comparisons are -1.
 */
export const PATH_BITS = {
  /** A gap in the query (F) or in the target (E) scores more than what comes before it; F counts where both do. */
  takesE: 16,
  takesF: 8,
  /** No cell before scores as much. */
  isBest: 4,
  /** In the next column or row, a gap that starts here scores more than a longer one. */
  opensE: 2,
  opensF: 1,
} as const;

/**
 * Makes a kernel that writes the best score of each lane, then the best score after each column, then PATH_BITS of each cell, column by column: a
 * register each. The alignment follows from them backwards from its end.
 */
export function pathKernel(name: string, lanes: Lanes): WasmFunction {
  const {
    locals,
    vector,
    at,
    into,
    zero,
    open,
    extend,
    constants,
    eachRow,
    eachColumn,
    eachCode,
    readColumn,
    scores,
    profile,
  } = kernelFrame(lanes);
  const [h, e, f, diagonal, best, bits, opened] = Array.from({ length: 7 }, vector) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [profileRow, bestAt, bitsAt] = [locals.add('i32'), locals.add('i32'), locals.add('i32')];
  const [targets, targetsEnd] = [2, 3];
  /** Appends a mask to the bits. */
  const append = (mask: Code): Code => set(bits, lanes.plainAdd(lanes.plainAdd(get(bits), get(bits)), mask));
  const body = [
    ...constants,
    ...set(best, get(zero)),
    ...set(bestAt, i32.add(get(into), i32.const(COLUMN_BYTES))),
    ...set(bitsAt, i32.add(get(bestAt), i32.sub(get(targetsEnd), get(targets)))),
    ...eachRow(SCORE_ROW_BYTES, v128.store(get(at), get(zero)), v128.store(get(at), get(zero), 16)),
    ...eachColumn(
      1,
      readColumn(0),
      eachCode(v128.store(get(at), scores)),
      set(f, get(zero)),
      set(diagonal, get(zero)),
      eachRow(
        SCORE_ROW_BYTES,
        set(profileRow, profile),
        set(h, lanes.add(get(diagonal), lanes.loadBytes(get(profileRow), 0))),
        set(diagonal, v128.load(get(at))),
        set(e, v128.load(get(at), 16)),
        set(bits, lanes.greater(get(e), get(h))),
        set(h, lanes.max(get(h), get(e))),
        append(lanes.greater(get(f), get(h))),
        set(h, lanes.max(get(h), get(f))),
        append(lanes.greater(get(h), get(best))),
        set(best, lanes.max(get(h), get(best))),
        v128.store(get(at), get(h)),
        set(opened, lanes.sub(get(h), get(open))),
        set(e, lanes.sub(get(e), get(extend))),
        append(lanes.greater(get(opened), get(e))),
        v128.store(get(at), lanes.max(get(e), get(opened)), 16),
        set(f, lanes.sub(get(f), get(extend))),
        append(lanes.greater(get(opened), get(f))),
        set(f, lanes.max(get(f), get(opened))),
        v128.store(get(bitsAt), get(bits)),
        advance(bitsAt, COLUMN_BYTES),
      ),
      v128.store(get(bestAt), get(best)),
      advance(bestAt, COLUMN_BYTES),
    ),
    ...v128.store(get(into), get(best)),
  ];
  return { name, locals, body };
}
