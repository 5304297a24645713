import { createHash } from 'node:crypto';
import { seededRandom } from '../workers/src/base/random.ts';

/** Random choices, reproducible by a seed. */
export class Dice {
  readonly #random: () => number;

  /** @param words the seed, and words that distinguish this use from others */
  constructor(...words: Array<string | number>) {
    this.#random = seededRandom(createHash('sha256').update(words.join('\n')).digest().readUInt32LE());
  }

  /** Returns a whole number from 0 to count - 1. */
  below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** Returns a whole number from 1 to most; small ones are more likely. */
  length(most: number): number {
    return Math.max(1, Math.floor(most ** this.#random()));
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}
