import { type Code, get, set, v128, type WasmFunction } from '../../base/wasm/assembler.ts';
import { COLUMN_BYTES, COLUMNS_AT_ONCE, kernelFrame, type Lanes, SCORE_ROW_BYTES } from './kernel-frame.ts';

/** Makes a kernel that computes the best score of each lane. */
export function scoreKernel(name: string, lanes: Lanes): WasmFunction {
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
    floored,
    profile,
  } = kernelFrame(lanes);
  const [best, e, above] = [vector(), vector(), vector()];
  const profileRow = locals.add('i32');
  const columns = Array.from({ length: COLUMNS_AT_ONCE }, (_, index) => ({
    index,
    f: vector(),
    /** H of the diagonal: of the row above, one column to the left. */
    diagonal: vector(),
    h: vector(),
  }));
  const cell = ({ index, f, diagonal, h }: (typeof columns)[number]): Code => [
    ...set(h, floored(lanes.add(get(diagonal), lanes.loadBytes(get(profileRow), index * COLUMN_BYTES)))),
    ...set(h, lanes.max(lanes.max(get(h), get(e)), get(f))),
    ...set(best, lanes.max(get(best), get(h))),
    ...set(diagonal, get(above)),
    ...set(above, get(h)),
    ...set(h, lanes.sub(get(h), get(open))),
    ...set(e, lanes.max(get(h), lanes.sub(get(e), get(extend)))),
    ...set(f, lanes.max(get(h), lanes.sub(get(f), get(extend)))),
  ];
  const body = [
    ...constants,
    ...set(best, get(zero)),
    ...eachRow(SCORE_ROW_BYTES, v128.store(get(at), get(zero)), v128.store(get(at), get(zero), 16)),
    ...eachColumn(
      COLUMNS_AT_ONCE,
      ...columns.flatMap(({ index, f, diagonal }) => [
        readColumn(index),
        eachCode(v128.store(get(at), scores, index * COLUMN_BYTES)),
        set(f, get(zero)),
        set(diagonal, get(zero)),
      ]),
      eachRow(
        SCORE_ROW_BYTES,
        set(profileRow, profile),
        set(above, v128.load(get(at))),
        set(e, v128.load(get(at), 16)),
        ...columns.map(cell),
        v128.store(get(at), get(above)),
        v128.store(get(at), get(e), 16),
      ),
    ),
    ...v128.store(get(into), get(best)),
  ];
  return { name, locals, body };
}
