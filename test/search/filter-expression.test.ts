import { describe, expect, it } from 'vitest';
import { encloseExpression, withNulls } from '../../workers/src/search/filter/filter-expression.ts';

const MISSING = [
  { name: 'taxon', type: 'utf8' },
  { name: 'length', type: 'int64' },
  { name: 'score', type: 'float64' },
] as const;

describe('withNulls', () => {
  it.each([
    ["taxon = 'x'", "CAST(NULL AS STRING) = 'x'"],
    ['length > 5 AND Score < 2', 'CAST(NULL AS BIGINT) > 5 AND CAST(NULL AS DOUBLE) < 2'],
    ['`length` > 5 OR "taxon" IS NULL', 'CAST(NULL AS BIGINT) > 5 OR CAST(NULL AS STRING) IS NULL'],
    ["id = 'taxon' AND other = 'it''s length'", "id = 'taxon' AND other = 'it''s length'"],
    ['taxon_id > 5 -- not the length\nAND score > 1', 'taxon_id > 5 -- not the length\nAND CAST(NULL AS DOUBLE) > 1'],
    ['a > 5 /* taxon */ AND b', 'a > 5 /* taxon */ AND b'],
    ["id = 'taxon", "id = 'taxon"],
    ['length(taxon) > 5 AND length > 5', 'length(CAST(NULL AS STRING)) > 5 AND CAST(NULL AS BIGINT) > 5'],
  ])('replaces names of columns alone: %s', (expression, expected) => {
    expect(withNulls(expression, MISSING)).toBe(expected);
    expect(withNulls(expression, [])).toBe(expression);
  });
});

describe('encloseExpression', () => {
  it('encloses what follows a comment too', () => {
    expect(encloseExpression('a > 5 -- c')).toBe('(a > 5 -- c\n)');
  });
});
