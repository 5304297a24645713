import type { Dice } from '../dice.ts';
import { type ByteMutator, mutateBytes } from './bytes.ts';
import { HOSTILE_TEXTS } from './hostile.ts';

const BYTE_ORDER_MARKS = [Buffer.from('\ufeff'), Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];
const INVALID_UTF8 = [[0xc3], [0xff], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf5, 0x80, 0x80, 0x80]].map((bytes) =>
  Buffer.from(bytes),
);
const LONGEST_LINE = 3_000_000;

function insert(bytes: Buffer, dice: Dice, what: Buffer): Buffer {
  const at = dice.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), what, bytes.subarray(at)]);
}

/** Changes lines, but keeps their ends. */
function withLines(change: (lines: string[], dice: Dice) => void): ByteMutator {
  return (bytes, dice) => {
    const lines = bytes.toString('latin1').split(/(?<=\n)/);
    change(lines, dice);
    return Buffer.from(lines.join(''), 'latin1');
  };
}

const TEXT_MUTATORS: readonly ByteMutator[] = [
  (bytes, dice) => insert(bytes, dice, Buffer.from([dice.pick([0, 1, 7, 8, 9, 11, 12, 13, 26, 27, 127, 0x85, 0x9b])])),
  (bytes, dice) => insert(bytes, dice, dice.pick(INVALID_UTF8)),
  (bytes, dice) => insert(bytes, dice, Buffer.from(dice.pick(HOSTILE_TEXTS))),
  (bytes, dice) =>
    insert(bytes, dice, Buffer.from(dice.pick(['\n', '\r', '\r\n', '>', '>\n', '"', ',', ';', '\t', '*', ' ']))),
  (bytes, dice) =>
    insert(bytes, dice, Buffer.alloc(dice.length(LONGEST_LINE), dice.pick(['A', '>', ' ', '"', '\n', '*']))),
  (bytes, dice) => Buffer.concat([dice.pick(BYTE_ORDER_MARKS), bytes]),
  (bytes) => Buffer.from(bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1'),
  (bytes) => Buffer.from(bytes.toString('latin1').replaceAll(/\r?\n/g, '\r'), 'latin1'),
  (bytes) => Buffer.from(bytes.toString('latin1').trimEnd(), 'latin1'),
  (bytes) => Buffer.from(bytes.toString('latin1'), 'utf16le'),
  () => Buffer.alloc(0),
  withLines((lines, dice) => lines.splice(dice.below(lines.length), 1)),
  withLines((lines, dice) => lines.splice(dice.below(lines.length), 0, dice.pick(lines))),
  withLines((lines, dice) => {
    const [one, other] = [dice.below(lines.length), dice.below(lines.length)];
    [lines[one], lines[other]] = [lines[other]!, lines[one]!];
  }),
];

/** Changes text as editors, other systems and attackers do; sometimes single bytes. */
export const mutateText: ByteMutator = (bytes, dice, partner) =>
  dice.chance(0.25) ? mutateBytes(bytes, dice, partner) : dice.pick(TEXT_MUTATORS)(bytes, dice, partner);
