import { DataError } from '../../base/errors.ts';
import { isRecord } from '../../base/text/document.ts';
import { parseJsonText } from '../../base/text/json-text.ts';
import { quoteValue } from '../../base/text/quote.ts';

/** The fields of a model's config.json. Every error names the file and the field. */
export class ModelConfig {
  readonly path: string;
  readonly #fields: Readonly<Record<string, unknown>>;
  /** What precedes the names of the fields in messages. */
  readonly #place: string;

  /** @param place what precedes the names of the fields in messages, such as `rope_parameters.` */
  constructor(path: string, fields: object, place = '') {
    this.path = path;
    this.#fields = fields as Record<string, unknown>;
    this.#place = place;
  }

  /** @throws DataError if the text is not a JSON object */
  static parse(path: string, text: string): ModelConfig {
    let fields: unknown;
    try {
      fields = parseJsonText(text);
    } catch (error) {
      throw new DataError(`${path}: not valid JSON: ${(error as Error).message}`, { cause: error });
    }
    if (!isRecord(fields)) throw new DataError(`${path}: not a JSON object.`);
    return new ModelConfig(path, fields);
  }

  /** Returns the fields of an object inside; none if it is missing. */
  inside(name: string): ModelConfig {
    return new ModelConfig(this.path, this.#read(name, {}, 'an object', isRecord), `${this.#place}${name}.`);
  }

  /** Returns whether the field exists and is not null. */
  has(name: string): boolean {
    return (this.#fields[name] ?? null) !== null;
  }

  /** Returns a size that determines the shapes of weights: a whole number above 0, without a default. */
  size(name: string): number {
    const value = this.#fields[name];
    if (isSafeInteger(value) && value > 0) return value;
    throw this.wrong(name, 'a whole number above 0');
  }

  /** Returns a whole number from 0: the id of a token. */
  id(name: string, otherwise: number): number {
    return this.#read(name, otherwise, 'a whole number from 0', (value) => isSafeInteger(value) && value >= 0);
  }

  /** Returns a number above 0, such as a divisor. Graphs compute in float32, where 1e308 is infinite and 1e-50 is 0. */
  positive(name: string, otherwise: number): number {
    return this.#read(name, otherwise, 'a number above 0 that float32 can hold', isPositiveFloat32);
  }

  flag(name: string, otherwise: boolean): boolean {
    return this.#read(name, otherwise, 'true or false', (value) => typeof value === 'boolean');
  }

  text(name: string, otherwise: string): string {
    return this.#read(name, otherwise, 'a text', (value) => typeof value === 'string');
  }

  /** Returns the error for an unusable value of a field. */
  wrong(name: string, expected: string): DataError {
    const found = this.has(name) ? `is ${quoteValue(this.#fields[name])}` : 'is missing';
    return new DataError(`${this.path}: "${this.#place}${name}" ${found}; it must be ${expected}.`);
  }

  #read<T>(name: string, otherwise: T, expected: string, fits: (value: unknown) => boolean): T {
    if (!this.has(name)) return otherwise;
    const value = this.#fields[name];
    if (!fits(value)) throw this.wrong(name, expected);
    return value as T;
  }
}

function isSafeInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isPositiveFloat32(value: unknown): boolean {
  if (typeof value !== 'number') return false;
  const rounded = Math.fround(value);
  return rounded > 0 && Number.isFinite(rounded);
}
