import type { Dice } from '../dice.ts';

/** Changes bytes of any file. @param partner a valid file of the same format */
export type ByteMutator = (bytes: Buffer, dice: Dice, partner: Buffer) => Buffer;

const NEAR = 1024;
/** Signatures of HDF5's structures, which are followed by lengths and addresses. */
const SIGNATURE = /GCOL|TREE|SNOD|HEAP|OHDR|FRHP|FHDB|BTHD|BTLF|FAHD|EAHD/g;
const AFTER_SIGNATURE = 48;

/** Picks a position. Ends of files and bytes after signatures describe the rest of the file, so they are more likely. */
function place(bytes: Buffer, dice: Dice): number {
  const near = Math.min(bytes.length, NEAR);
  const choice = dice.below(5);
  if (choice === 0) return dice.below(near);
  if (choice === 1) return bytes.length - 1 - dice.below(near);
  if (choice === 2) {
    const found = [...bytes.toString('latin1').matchAll(SIGNATURE)];
    if (found.length > 0) return Math.min(bytes.length - 1, dice.pick(found).index + dice.below(AFTER_SIGNATURE));
  }
  return dice.below(bytes.length);
}

function range(bytes: Buffer, dice: Dice): [start: number, end: number] {
  const start = place(bytes, dice);
  return [start, Math.min(bytes.length, start + dice.length(bytes.length))];
}

const flipBit: ByteMutator = (bytes, dice) => {
  const copy = Buffer.from(bytes);
  copy[place(bytes, dice)]! ^= 1 << dice.below(8);
  return copy;
};

const setBytes: ByteMutator = (bytes, dice) => {
  const copy = Buffer.from(bytes);
  const start = place(bytes, dice);
  copy.set(dice.bytes(Math.min(dice.length(16), bytes.length - start)), start);
  return copy;
};

/** Unusual values of counts, lengths and addresses. */
const setInteger: ByteMutator = (bytes, dice) => {
  const size = dice.pick([1, 2, 4, 8]);
  if (bytes.length < size) return bytes;
  const copy = Buffer.from(bytes);
  const start = Math.min(bytes.length - size, place(bytes, dice));
  const at = dice.chance(0.7) ? start - (start % Math.min(size, 4)) : start;
  const word = Buffer.alloc(size, dice.pick([0x00, 0xff]));
  const kind = dice.below(4);
  if (kind === 0) word[size - 1] = 0x7f;
  if (kind === 1) word[0] = dice.pick([1, 2, 0x10, 0x80, 0xfe]);
  copy.set(word, at);
  return copy;
};

/** Returns a number close to the right one: valid for its type, but wrong. */
const addToByte: ByteMutator = (bytes, dice) => {
  const copy = Buffer.from(bytes);
  const at = place(bytes, dice);
  copy[at] = copy[at]! + dice.pick([1, -1, 2, -2, 4, 8, 16]);
  return copy;
};

const truncate: ByteMutator = (bytes, dice) =>
  bytes.subarray(0, dice.chance(0.5) ? dice.below(bytes.length) : bytes.length - dice.length(bytes.length));

const extend: ByteMutator = (bytes, dice) =>
  Buffer.concat([
    bytes,
    dice.pick([
      Buffer.alloc(dice.length(5000)),
      dice.bytes(dice.length(64)),
      bytes.subarray(0, dice.length(bytes.length)),
    ]),
  ]);

const zeroBlock: ByteMutator = (bytes, dice) => {
  const [start, end] = range(bytes, dice);
  return Buffer.from(bytes).fill(dice.pick([0, 0xff]), start, end);
};

const swapBlocks: ByteMutator = (bytes, dice) => {
  const copy = Buffer.from(bytes);
  const size = Math.min(dice.length(4096), Math.floor(bytes.length / 2));
  const [one, other] = [dice.below(bytes.length - size + 1), dice.below(bytes.length - size + 1)];
  copy.set(bytes.subarray(other, other + size), one);
  copy.set(bytes.subarray(one, one + size), other);
  return copy;
};

const repeatBlock: ByteMutator = (bytes, dice) => {
  const [start, end] = range(bytes, dice);
  return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start, end), bytes.subarray(end)]);
};

const removeBlock: ByteMutator = (bytes, dice) => {
  const [start, end] = range(bytes, dice);
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
};

const splice: ByteMutator = (bytes, dice, partner) =>
  dice.chance(0.5)
    ? Buffer.concat([bytes.subarray(0, dice.below(bytes.length)), partner.subarray(dice.below(partner.length))])
    : partner;

const LIGHT: readonly ByteMutator[] = [flipBit, setBytes, setInteger, setInteger, addToByte];
const HEAVY: readonly ByteMutator[] = [truncate, extend, zeroBlock, swapBlocks, repeatBlock, removeBlock, splice];

/** Changes mostly few bytes, because heavily damaged files all fail the same checks. */
export const mutateBytes: ByteMutator = (bytes, dice, partner) => {
  if (bytes.length === 0) return partner;
  return dice.pick(dice.chance(0.75) ? LIGHT : HEAVY)(bytes, dice, partner);
};
