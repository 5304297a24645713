/**
 * An assembler for WebAssembly, for kernels that use 128-bit SIMD. Instructions are expressions with their operands:
 * `f32x4.add(a, b)`. Opcodes: https://webassembly.github.io/spec/core/binary/instructions.html
 */
export type Code = readonly number[];

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

const TYPE_CODES: Record<ValueType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };
/** Pages of 64 KiB that 32 bits can address. */
const MAX_PAGES = 65536;

function unsigned(value: number): number[] {
  const low = value & 0x7f;
  return value > 0x7f ? [low | 0x80, ...unsigned(value >>> 7)] : [low];
}

function signed(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  const last = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
  return last ? [low] : [low | 0x80, ...signed(rest)];
}

const plain =
  (...code: number[]) =>
  (...operands: Code[]): Code => [...operands.flat(), ...code];
const vector = (op: number) => plain(0xfd, ...unsigned(op));
/** Builds memory instructions; addresses need no alignment. */
const loads =
  (...code: number[]) =>
  (address: Code, offset = 0): Code => [...address, ...code, 0, ...unsigned(offset)];
const stores =
  (...code: number[]) =>
  (address: Code, value: Code, offset = 0): Code => [...address, ...value, ...code, 0, ...unsigned(offset)];
const lane = (op: number) => (value: Code, index: number) => [...value, 0xfd, ...unsigned(op), index];

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  load: loads(0x28),
  loadByte: loads(0x2d),
  store: stores(0x36),
  /** The lower half. */
  fromI64: plain(0xa7),
  add: plain(0x6a),
  sub: plain(0x6b),
  mul: plain(0x6c),
  and: plain(0x71),
  or: plain(0x72),
  xor: plain(0x73),
  shl: plain(0x74),
  shiftRight: plain(0x76),
  ctz: plain(0x68),
  lessUnsigned: plain(0x49),
};

export const i64 = {
  const: (value: number): Code => [0x42, ...signed(value)],
  load: loads(0x29),
  store: stores(0x37),
  xor: plain(0x85),
  shl: plain(0x86),
  shiftRight: plain(0x88),
};

export const f32 = {
  const: (value: number): Code => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)],
  load: loads(0x2a),
  store: stores(0x38),
  add: plain(0x92),
  sub: plain(0x93),
  mul: plain(0x94),
  div: plain(0x95),
  max: plain(0x97),
  sqrt: plain(0x91),
  equal: plain(0x5b),
  greater: plain(0x5e),
  fromInteger: plain(0xb2),
};

export const f64 = {
  add: plain(0xa0),
  sub: plain(0xa1),
  mul: plain(0xa2),
  promote: plain(0xbb),
  store: stores(0x39),
};

export const v128 = {
  load: loads(0xfd, 0x00),
  /** Loads two float32 into the lower half. */
  loadHalf: loads(0xfd, 0x5d),
  /** Loads eight int8 as int16. */
  loadBytesAsInt16: loads(0xfd, 0x01),
  /** Loads 32 bits into the lowest lane, zeros above. */
  loadLowest: loads(0xfd, 0x5c),
  store: stores(0xfd, 0x0b),
  zero: [0xfd, 0x0c, ...new Array<number>(16).fill(0)] as Code,
  and: vector(0x4e),
  or: vector(0x50),
  xor: vector(0x51),
  /** Lanes of the first operand where those of the mask (the last) are all ones, of the second where they are all zeros. */
  selectLanes: vector(0x109),
  anyTrue: vector(0x53),
};

export const f32x4 = {
  splat: vector(0x13),
  lane: lane(0x1f),
  less: vector(0x43),
  atLeast: vector(0x46),
  abs: vector(0xe0),
  add: vector(0xe4),
  sub: vector(0xe5),
  mul: vector(0xe6),
  max: vector(0xe9),
  fromIntegers: vector(0xfa),
  /** a * b + c, rounded once where the processor can. */
  relaxedMultiplyAdd: vector(0x105),
};

export const f64x2 = {
  lane: lane(0x21),
  promoteLow: vector(0x5f),
  add: vector(0xf0),
  sub: vector(0xf1),
  mul: vector(0xf2),
};
export const i8x16 = {
  /** Bytes of the first operand at the positions of the second; 0 for positions from 16. */
  swizzle: vector(0x0e),
  splat: vector(0x0f),
  equal: vector(0x23),
  greater: vector(0x27),
  narrow: vector(0x65),
  add: vector(0x6e),
  addSaturated: vector(0x6f),
  sub: vector(0x71),
  subSaturated: vector(0x72),
  max: vector(0x78),
};
export const i16x8 = {
  splat: vector(0x10),
  equal: vector(0x2d),
  greater: vector(0x31),
  narrow: vector(0x85),
  extendLow: vector(0x87),
  extendHigh: vector(0x88),
  add: vector(0x8e),
  addSaturated: vector(0x8f),
  sub: vector(0x91),
  subSaturated: vector(0x92),
  max: vector(0x98),
};
export const i32x4 = {
  splat: vector(0x11),
  lane: lane(0x1b),
  equal: vector(0x37),
  greater: vector(0x3b),
  extendLow: vector(0xa7),
  allTrue: vector(0xa3),
  bitmask: vector(0xa4),
  add: vector(0xae),
  sub: vector(0xb1),
  max: vector(0xb8),
  /** Of pairs of int16. */
  dot: vector(0xba),
};

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];
export const call = (index: number, ...operands: Code[]): Code => [...operands.flat(), 0x10, ...unsigned(index)];
export const choose = (yes: Code, no: Code, condition: Code): Code => [...yes, ...no, ...condition, 0x1b];
export const when = (condition: Code, ...body: Code[]): Code => [...condition, 0x04, 0x40, ...body.flat(), 0x0b];
/** Repeats while the condition holds, testing it first. */
export const loop = (condition: Code, ...body: Code[]): Code =>
  when(condition, [0x03, 0x40, ...body.flat(), ...condition, 0x0d, 0x00, 0x0b]);

/** The locals of a function: parameters first. */
export class Locals {
  readonly parameters: readonly ValueType[];
  readonly own: ValueType[] = [];

  constructor(...parameters: ValueType[]) {
    this.parameters = parameters;
  }

  add(type: ValueType): number {
    this.own.push(type);
    return this.parameters.length + this.own.length - 1;
  }
}

export interface WasmFunction {
  name: string;
  locals: Locals;
  result?: ValueType;
  body: Code;
}

/** Assembles a module of functions over one shared memory, imported as `env.memory`. Functions call each other by position. */
export function assemble(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const list = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
  const section = (id: number, items: readonly Code[]): Code => {
    const content = list(items);
    return [id, ...unsigned(content.length), ...content];
  };
  const text = (value: string): Code => list([...Buffer.from(value)].map((byte) => [byte]));
  const types = (values: readonly ValueType[]): Code => list(values.map((value) => [TYPE_CODES[value]]));
  const codeOf = ({ locals, body }: WasmFunction): Code => {
    const code = [...list(locals.own.map((type) => [1, TYPE_CODES[type]])), ...body, 0x0b];
    return [...unsigned(code.length), ...code];
  };
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      functions.map(({ locals, result }) => [0x60, ...types(locals.parameters), ...types(result ? [result] : [])]),
    ),
    ...section(2, [[...text('env'), ...text('memory'), 0x02, 0x03, 0, ...unsigned(MAX_PAGES)]]),
    ...section(
      3,
      functions.map((_, index) => unsigned(index)),
    ),
    ...section(
      7,
      functions.map(({ name }, index) => [...text(name), 0x00, ...unsigned(index)]),
    ),
    ...section(10, functions.map(codeOf)),
  ]);
}
