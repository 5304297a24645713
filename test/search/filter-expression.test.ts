import { describe, expect, it } from 'vitest';
import { encloseExpression, quotedName, withNulls } from '../../workers/src/search/filter/filter-expression.ts';
import { badFilter } from '../../workers/src/search/filter/filter-messages.ts';

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

describe('words of SQL as names of columns', () => {
  it('are replaced in quotes alone', () => {
    const missing = [...MISSING, { name: 'and', type: 'utf8' }, { name: 'order', type: 'int64' }] as const;
    expect(withNulls("score > 5 and `and` = 'x' AND order = 2", missing)).toBe(
      "CAST(NULL AS DOUBLE) > 5 and CAST(NULL AS STRING) = 'x' AND CAST(NULL AS BIGINT) = 2",
    );
  });

  it('are shown with the backticks that they need', () => {
    expect(['order', 'Select', 'length', 'null'].map(quotedName)).toEqual(['order', '`Select`', 'length', '`null`']);
    const { message } = badFilter("select = 'x'", 'sql parser error', ['id', 'select']);
    expect(message).toContain('on the columns id, `select`, with these backticks, with texts');
  });
});

describe('encloseExpression', () => {
  it('encloses what follows a comment too', () => {
    expect(encloseExpression('a > 5 -- c')).toBe('(a > 5 -- c\n)');
  });
});
