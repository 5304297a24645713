import { describe, expect, it } from 'vitest';
import { parseValues } from '../../workers/src/pack/parse-values.ts';

describe('parseValues', () => {
  it('reads an object of texts for each input', () => {
    expect(parseValues(['{"taxon":"é"}', '{}'], 2)).toEqual([{ taxon: 'é' }, {}]);
  });

  it.each([
    ['{"taxon":1}', 'needs a JSON object of texts'],
    ['[]', 'needs a JSON object of texts'],
    ['{"id":"a"}', 'needs a JSON object of texts'],
    [JSON.stringify({ taxon: 'é'.repeat(513) }), 'The column "taxon" of the samplesheet has a value of 1026 bytes'],
  ])('refuses %s', (text, problem) => {
    expect(() => parseValues([text], 1)).toThrow(problem);
  });

  it('needs as many as inputs', () => {
    expect(() => parseValues(['{}'], 2)).toThrow('1 values for 2 of --input');
  });
});
