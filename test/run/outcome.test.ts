import { describe, expect, it } from 'vitest';
import { parseOutcome } from '../../workers/src/run/outcome.ts';

const parse = (value: unknown) => parseOutcome(typeof value === 'string' ? value : JSON.stringify(value), 'o.json');
const outcome = { format: 1, version: '0.1.0', stages: [] };

describe('parseOutcome', () => {
  it('drops fields that it does not know', () => {
    expect(parse({ ...outcome, run: 'angry_lion' })).toEqual(outcome);
  });

  it.each([['{'], ['[]'], [{ stages: [] }], [{ neighbours: 3, version: 1 }]])(
    'refuses %j, which is no outcome',
    (value) => {
      expect(() => parse(value)).toThrow(/^o\.json: this outcome is damaged: it is not an outcome\. Name /);
    },
  );

  it.each([[2], ['1'], [0]])('refuses format %j', (format) => {
    expect(() => parse({ ...outcome, format })).toThrow(
      `o.json: this outcome has format ${JSON.stringify(format)}, and this version of LanceFlow reads format 1.`,
    );
  });

  it.each([
    [{ ...outcome, stages: {} }, '"stages"'],
    [{ ...outcome, stages: [{ command: 'x' }] }, '"stages[0].'],
    [{ ...outcome, version: 3 }, '"version"'],
    [{ ...outcome, wallSeconds: -1 }, '"wallSeconds"'],
  ])('names the field that is wrong: %j', (value, field) => {
    expect(() => parse(value)).toThrow(`o.json: this outcome is damaged: ${field}`);
  });
});
