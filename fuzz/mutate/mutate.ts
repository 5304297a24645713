import type { Dice } from '../dice.ts';
import { type ByteMutator, mutateBytes } from './bytes.ts';
import { mutateJson } from './json.ts';
import { mutateText } from './text.ts';

/** The structure of a file, so that changes reach beyond the first check. */
export type Anatomy = 'bytes' | 'text' | 'json' | 'json-line' | 'safetensors';

const MOST_MUTATIONS = 3;
const LENGTH_BYTES = 8;

/** A line of JSON, then bytes. */
const mutateJsonLine: ByteMutator = (bytes, dice, partner) => {
  const end = bytes.indexOf(10);
  if (end < 0 || dice.chance(0.4)) return mutateBytes(bytes, dice, partner);
  const line = mutateJson(bytes.subarray(0, end), dice, partner.subarray(0, Math.max(0, partner.indexOf(10))));
  return Buffer.concat([line, bytes.subarray(end)]);
};

/** The length of a JSON header, the header, then bytes. */
const mutateSafetensors: ByteMutator = (bytes, dice, partner) => {
  const length = bytes.length < LENGTH_BYTES ? 0 : Number(bytes.readBigUInt64LE());
  const end = LENGTH_BYTES + length;
  if (length === 0 || end > bytes.length || dice.chance(0.3)) return mutateBytes(bytes, dice, partner);
  const header = mutateJson(bytes.subarray(LENGTH_BYTES, end), dice, Buffer.from('{}'));
  const prefix = Buffer.alloc(LENGTH_BYTES);
  prefix.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([prefix, header, bytes.subarray(end)]);
};

const MUTATORS: Record<Anatomy, ByteMutator> = {
  bytes: mutateBytes,
  text: mutateText,
  json: mutateJson,
  'json-line': mutateJsonLine,
  safetensors: mutateSafetensors,
};

/** Applies one to three changes to a file; the result differs from it. @param partner a valid file of the same format */
export function mutate(bytes: Buffer, anatomy: Anatomy, dice: Dice, partner: Buffer): Buffer {
  for (;;) {
    let changed: Buffer = bytes;
    const times = dice.chance(0.6) ? 1 : 1 + dice.below(MOST_MUTATIONS);
    for (let i = 0; i < times; i++) changed = MUTATORS[anatomy](changed, dice, partner);
    if (!changed.equals(bytes)) return changed;
  }
}
