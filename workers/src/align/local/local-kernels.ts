import { assemble } from '../../base/wasm/assembler.ts';
import { LANES_8, LANES_16, LANES_32 } from './kernel-frame.ts';
import { pathKernel } from './path-kernel.ts';
import { scoreKernel } from './score-kernel.ts';
import { traceKernel } from './trace-kernel.ts';

/** Arguments are addresses; `query` has a uint32 a residue: its code times PROFILE_BYTES. `state` is overwritten. */
type Align = (
  query: number,
  queryEnd: number,
  targets: number,
  targetsEnd: number,
  state: number,
  into: number,
) => void;

/** Functions in WebAssembly. */
export interface LocalKernels {
  /** Writes the best score of each lane. */
  score8: Align;
  score16: Align;
  score32: Align;
  /**
   * Writes TRACE_NUMBERS of the best alignment of each lane. Of equal scores, the first in order of the target's end, then the query's; a path
   * prefers a pair to a gap, a gap in the query to one in the target, a long gap to a short one, and starts as late as it can.
   */
  trace16: Align;
  trace32: Align;
  /** Write what `traceBack` follows, which takes a register a cell: the same alignment, in a third of the time. */
  path8: Align;
  path16: Align;
}

/** Assembles the kernels as a module. */
export function localKernelModule(): Uint8Array<ArrayBuffer> {
  return assemble([
    scoreKernel('score8', LANES_8),
    scoreKernel('score16', LANES_16),
    scoreKernel('score32', LANES_32),
    traceKernel('trace16', LANES_16),
    traceKernel('trace32', LANES_32),
    pathKernel('path8', LANES_8),
    pathKernel('path16', LANES_16),
  ]);
}
