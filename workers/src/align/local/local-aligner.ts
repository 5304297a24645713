import {
  COLUMN_BYTES,
  COLUMNS_AT_ONCE,
  FREE_AT,
  LARGEST_SCORE,
  type LaneBits,
  MATRIX_AT,
  PROFILE_AT,
  PROFILE_BYTES,
  SCORE_ROW_BYTES,
  STORED_ZERO,
  TRACE_NUMBERS,
  TRACE_ROW_BYTES,
} from './kernel-frame.ts';
import { type LocalKernels, localKernelModule } from './local-kernels.ts';
import { NO_RESIDUE, type Residues, SCORES } from './residues.ts';
import { type LocalAlignment, traceBack } from './trace-back.ts';

const PAGE_BYTES = 65536;
const MAX_PAGES = 65536;
const REGISTER_BYTES = 16;
/** For longer sequences the trace kernels carry the numbers of paths along. */
const MOST_PATH_BYTES = 2 ** 25;
/** Lengths and positions that lanes of 16 bits can count. */
const MAX_COUNTED = 2 ** 16 - 1;

/** Aligns a query with targets, many at once. The memory grows with the longest sequences, by at most 32 MiB for their paths. */
export class LocalAligner {
  readonly #memory = new WebAssembly.Memory({ initial: 1, maximum: MAX_PAGES, shared: true });
  readonly #kernels: LocalKernels;
  readonly #mostPathBytes: number;
  #bytes = new Uint8Array(this.#memory.buffer);
  #query: Residues = new Uint8Array(0);

  /** @param mostPathBytes what path kernels write at most: the memory of longer sequences grows with their sum alone */
  constructor(mostPathBytes = MOST_PATH_BYTES) {
    this.#mostPathBytes = mostPathBytes;
    const module = new WebAssembly.Module(localKernelModule());
    const imports = { env: { memory: this.#memory } };
    this.#kernels = new WebAssembly.Instance(module, imports).exports as unknown as LocalKernels;
    this.#bytes.set(new Uint8Array(SCORES.buffer), MATRIX_AT);
  }

  /** Sets the query of the calls that follow. */
  setQuery(query: Residues): void {
    this.#query = query;
    this.#reserve(this.#resultAt);
    const addresses = new Uint32Array(this.#memory.buffer, FREE_AT, query.length);
    for (let row = 0; row < query.length; row++) addresses[row] = PROFILE_AT + query[row]! * PROFILE_BYTES;
  }

  /** Returns the score of the best local alignment with each target. */
  score(targets: readonly Residues[]): Int32Array {
    const scores = new Int32Array(targets.length);
    let left = [...targets.keys()];
    for (const bits of [8, 16, 32] as const) {
      const overflown: number[] = [];
      for (const members of groupsOf(left, targets, bits)) {
        const lanes = this.#run(`score${bits}`, bits, members, targets, SCORE_ROW_BYTES)[0]!;
        for (const [lane, member] of members.entries()) {
          scores[member] = lanes[lane]! - STORED_ZERO[bits];
          if (scores[member] === LARGEST_SCORE[bits]) overflown.push(member);
        }
      }
      left = overflown;
    }
    return scores;
  }

  /** Returns the best local alignment with each target: of several, the one that `LocalKernels` names. */
  align(targets: readonly Residues[]): LocalAlignment[] {
    const alignments = new Array<LocalAlignment>(targets.length);
    const scores = this.score(targets);
    const narrow: Record<8 | 16, number[]> = { 8: [], 16: [] };
    const long: Record<16 | 32, number[]> = { 16: [], 32: [] };
    for (const [member, { length }] of targets.entries()) {
      const score = scores[member]!;
      const longest = Math.max(this.#queryLength, length);
      if (pathBytes(this.#queryLength, length) <= this.#mostPathBytes && score < LARGEST_SCORE[16])
        narrow[score < LARGEST_SCORE[8] ? 8 : 16].push(member);
      else long[longest <= MAX_COUNTED / 2 && score < LARGEST_SCORE[16] ? 16 : 32].push(member);
    }
    for (const bits of [8, 16] as const)
      for (const members of groupsOf(narrow[bits], targets, bits)) this.#tracePaths(bits, members, targets, alignments);
    for (const bits of [16, 32] as const)
      for (const members of groupsOf(long[bits], targets, bits)) {
        const numbers = this.#run(`trace${bits}`, bits, members, targets, TRACE_ROW_BYTES);
        for (const [lane, member] of members.entries()) alignments[member] = alignmentOf(numbers, lane, bits);
      }
    return alignments;
  }

  #tracePaths(
    bits: 8 | 16,
    members: readonly number[],
    targets: readonly Residues[],
    alignments: LocalAlignment[],
  ): void {
    const columns = columnsOf(members, targets);
    const bytes = pathBytes(this.#queryLength, columns);
    this.#run(`path${bits}`, bits, members, targets, SCORE_ROW_BYTES, bytes);
    const Lanes = bits === 8 ? Int8Array : Int16Array;
    const numbers = new Lanes(this.#memory.buffer, this.#resultAt, bytes / Lanes.BYTES_PER_ELEMENT);
    for (const [lane, member] of members.entries())
      alignments[member] = traceBack(this.#query, targets[member]!, { numbers, lane, columns });
  }

  /**
   * Runs a kernel.
   * @param resultBytes of what it writes @returns its first registers, lane by lane
   */
  #run(
    kernel: keyof LocalKernels,
    bits: LaneBits,
    members: readonly number[],
    targets: readonly Residues[],
    rowBytes: number,
    resultBytes = TRACE_NUMBERS.length * REGISTER_BYTES,
  ): ArrayLike<number>[] {
    const columns = columnsOf(members, targets);
    const targetsAt = this.#resultAt + Math.max(resultBytes, TRACE_NUMBERS.length * REGISTER_BYTES);
    const stateAt = targetsAt + columns * COLUMN_BYTES;
    this.#reserve(stateAt + this.#queryLength * rowBytes);
    const bytes = this.#bytes;
    bytes.fill(NO_RESIDUE, targetsAt, stateAt);
    for (const [lane, member] of members.entries()) {
      const target = targets[member]!;
      for (let column = 0, at = targetsAt + lane; column < target.length; column++, at += COLUMN_BYTES)
        bytes[at] = target[column]!;
    }
    this.#kernels[kernel](
      FREE_AT,
      FREE_AT + 4 * this.#queryLength,
      targetsAt,
      targetsAt + columns * COLUMN_BYTES,
      stateAt,
      this.#resultAt,
    );
    const Lanes = { 8: Int8Array, 16: Int16Array, 32: Int32Array }[bits];
    return TRACE_NUMBERS.map(
      (_, i) => new Lanes(this.#memory.buffer, this.#resultAt + i * REGISTER_BYTES, (8 * REGISTER_BYTES) / bits),
    );
  }

  /** Address after the query. */
  get #resultAt(): number {
    return Math.ceil((FREE_AT + 4 * this.#queryLength) / REGISTER_BYTES) * REGISTER_BYTES;
  }

  get #queryLength(): number {
    return this.#query.length;
  }

  #reserve(bytes: number): void {
    const missing = Math.ceil(bytes / PAGE_BYTES) - this.#bytes.length / PAGE_BYTES;
    if (missing <= 0) return;
    this.#memory.grow(missing);
    this.#bytes = new Uint8Array(this.#memory.buffer);
  }
}

/** Groups targets of similar lengths, one for each lane: a group takes the time of its longest. */
function* groupsOf(members: readonly number[], targets: readonly Residues[], bits: LaneBits): Generator<number[]> {
  const sorted = members.toSorted((a, b) => targets[a]!.length - targets[b]!.length);
  const lanes = (8 * REGISTER_BYTES) / bits;
  for (let start = 0; start < sorted.length; start += lanes) yield sorted.slice(start, start + lanes);
}

/** Returns the columns that kernels compute for a group: those of its longest target. */
function columnsOf(members: readonly number[], targets: readonly Residues[]): number {
  const longest = members.reduce((most, member) => Math.max(most, targets[member]!.length), 0);
  return Math.ceil(longest / COLUMNS_AT_ONCE) * COLUMNS_AT_ONCE;
}

/** Returns the bytes that a path kernel writes. */
function pathBytes(rows: number, columns: number): number {
  return (1 + columns + rows * columns) * REGISTER_BYTES;
}

function alignmentOf(numbers: readonly ArrayLike<number>[], lane: number, bits: 16 | 32): LocalAlignment {
  const [score, ...others] = numbers.map((lanes) => lanes[lane]!) as [number, ...number[]];
  const counts = others.map((value) => (bits === 16 ? value & MAX_COUNTED : value));
  const known = score > STORED_ZERO[bits];
  const values = [score - STORED_ZERO[bits], ...(known ? counts : counts.map(() => 0))];
  return Object.fromEntries(TRACE_NUMBERS.map((name, i) => [name, values[i]!])) as LocalAlignment;
}
