import { CRC64 } from '../../workers/src/base/bytes/checksum.ts';
import type { Dice } from '../dice.ts';
import type { ByteMutator } from './bytes.ts';
import { HOSTILE_TEXTS } from './hostile.ts';
import { mutateText } from './text.ts';

/** A value inside a document: `holder[key]`. */
interface Spot {
  holder: Record<string, unknown>;
  key: string;
}

const NUMBERS = [0, -1, 1, -0, 0.5, 1e308, -1e308, 2 ** 31, 2 ** 32, 2 ** 53, Number.MAX_SAFE_INTEGER, 1e-300];
const DEPTH = 20_000;

function spotsIn(value: unknown, spots: Spot[] = []): Spot[] {
  if (typeof value !== 'object' || value === null) return spots;
  const holder = value as Record<string, unknown>;
  for (const key of Object.keys(holder)) {
    spots.push({ holder, key });
    spotsIn(holder[key], spots);
  }
  return spots;
}

function otherValue(old: unknown, dice: Dice): unknown {
  const simple = [null, true, [], {}, [old], { value: old }, String(old), dice.pick(HOSTILE_TEXTS), dice.pick(NUMBERS)];
  if (typeof old === 'number' && dice.chance(0.7))
    return dice.pick([old + 1, old - 1, -old, old * 2, old / 2, Math.floor(old / 2), old + 4, dice.pick(NUMBERS)]);
  if (typeof old === 'string' && dice.chance(0.6)) return changedText(old, dice);
  if (Array.isArray(old) && dice.chance(0.6)) return changedList(old, dice);
  return dice.pick(simple);
}

function changedText(old: string, dice: Dice): string {
  const at = dice.below(old.length + 1);
  const letter = String.fromCharCode((old.charCodeAt(at) || 64) ^ (1 << dice.below(5)));
  return dice.pick([
    old.slice(0, at),
    old.slice(0, at) + letter + old.slice(at + 1),
    `${old}${old}`,
    dice.pick(HOSTILE_TEXTS),
  ]);
}

function changedList(old: readonly unknown[], dice: Dice): unknown[] {
  const at = dice.below(old.length);
  return dice.pick([
    [],
    old.slice(1),
    old.slice(0, -1),
    [...old, ...old],
    [...old].reverse(),
    old.map((one, i) => (i === at ? old[0] : one)),
  ]);
}

/** Changes one value or key of a document. @returns its new text, which may not be what `JSON.stringify` would write */
function changeDocument(document: object, dice: Dice, indent: number): string {
  const write = (value: unknown) => JSON.stringify(value, null, indent);
  const spots = spotsIn(document);
  if (spots.length === 0) return write(dice.pick<unknown>([null, 1, 'text', [], [document]]));
  const numbers = spots.filter((spot) => typeof spot.holder[spot.key] === 'number');
  // Most texts are checked; numbers are often used unchecked.
  const { holder, key } = dice.pick(numbers.length > 0 && dice.chance(0.4) ? numbers : spots);
  const old = holder[key];
  switch (dice.below(12)) {
    case 0:
      delete holder[key];
      return write(document);
    case 1:
      delete holder[key];
      holder[dice.pick([`${key}s`, key.toUpperCase(), '__proto__x', dice.pick(HOSTILE_TEXTS)])] = old;
      return write(document).replaceAll('__proto__x', '__proto__');
    case 2: {
      // The same key twice with different values: parsers differ in which value counts.
      const written = `${JSON.stringify(key)}:`;
      const again = JSON.stringify(otherValue(old, dice)) ?? 'null';
      return write(document).replace(written, `${written}${again},${written}`);
    }
    case 3:
      holder[key] = 'DEEP';
      return write(document).replace('"DEEP"', `${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`);
    case 4: {
      const other = dice.pick(spots);
      [holder[key], other.holder[other.key]] = [structuredClone(other.holder[other.key]), old];
      return write(document);
    }
    case 5:
      holder[key] = 'NUMBER';
      return write(document).replace(
        '"NUMBER"',
        dice.pick(['1e999', '-1e999', 'NaN', '1.0', '01', '9'.repeat(400), '0x10']),
      );
    default:
      holder[key] = otherValue(old, dice);
      return write(document);
  }
}

/** Mostly updates the checksum of the whole document, so that the change reaches the other checks. */
function resealed(text: string, dice: Dice, indent: number): string {
  if (!dice.chance(0.7)) return text;
  try {
    const { checksum, ...document } = JSON.parse(text) as Record<string, unknown>;
    if (typeof checksum !== 'string') return text;
    const seal = CRC64.format(CRC64.of(Buffer.from(JSON.stringify(document))));
    return `${JSON.stringify({ ...document, checksum: seal }, null, indent)}\n`;
  } catch {
    return text;
  }
}

/** Changes a JSON document: a value, a key, the order; sometimes its text. */
export const mutateJson: ByteMutator = (bytes, dice, partner) => {
  if (dice.chance(0.15)) return mutateText(bytes, dice, partner);
  const indent = bytes.includes('\n  ') ? 2 : 0;
  try {
    const document: unknown = JSON.parse(bytes.toString());
    if (typeof document === 'object' && document !== null)
      return Buffer.from(resealed(changeDocument(document, dice, indent), dice, indent));
  } catch {
    // An earlier mutation left invalid JSON, or JSON that is nested too deeply.
  }
  return mutateText(bytes, dice, partner);
};
