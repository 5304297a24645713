import { basename, join, posix, win32 } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError, UsageError } from '../../../workers/src/base/errors.ts';
import { bucketName, bucketNumber, checkBucketName } from '../../../workers/src/database/catalog/bucket-name.ts';

const HOSTILE = [
  '',
  '.',
  '..',
  '../x',
  'a/b',
  'a\\b',
  '/etc/passwd',
  '.hidden',
  '-rf',
  'a..b',
  'a.',
  "'; rm -rf x",
  '$(touch x)',
  '`touch x`',
  'a b',
  'a\nb',
  'bucket_00001\n',
  'a\0b',
  'bücket',
  'a'.repeat(101),
  '%2e%2e',
  'x;y',
  'x|y',
  'x>y',
];

describe('checkBucketName', () => {
  it.each(['bucket_00001', 'a', '_x', '0', 'swiss-prot.2025', 'A.b-c_d', 'a'.repeat(100)])('accepts %j', (name) => {
    expect(checkBucketName(name)).toBe(name);
  });

  it.each(HOSTILE)('refuses %j', (name) => {
    expect(() => checkBucketName(name)).toThrow(UsageError);
    expect(() => checkBucketName(name, (message) => new DataError(message))).toThrow(DataError);
  });

  it('accepts no name that leaves its folder or contains special characters of a shell', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab09._-/\\;$`\'" \n\0~*?%é'), maxLength: 8 }), (name) => {
        try {
          checkBucketName(name);
        } catch {
          return;
        }
        expect(basename(name)).toBe(name);
        expect(win32.basename(name)).toBe(name);
        expect(posix.normalize(join('/db', `${name}.lance`))).toBe(`/db/${name}.lance`);
        expect(name).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('bucketName', () => {
  it.each([
    [1, 'bucket_00001'],
    [99_999, 'bucket_99999'],
    [100_000, 'bucket_100000'],
  ])('names bucket %i %s and back', (number, name) => {
    expect(bucketName(number)).toBe(name);
    expect(bucketNumber(name)).toBe(number);
    expect(checkBucketName(name)).toBe(name);
  });

  it.each(['mine', 'bucket_', 'bucket_1x', 'xbucket_1'])('finds no number in %s', (name) => {
    expect(bucketNumber(name)).toBe(0);
  });
});
