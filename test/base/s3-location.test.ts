import { describe, expect, it, test } from 'vitest';
import { UsageError } from '../../workers/src/base/errors.ts';
import { formatS3Uri, looksLikeS3, objectKey, parseS3Uri } from '../../workers/src/base/s3-location.ts';

describe('parseS3Uri', () => {
  test.each([
    ['s3://proteins', 'proteins', ''],
    ['s3://proteins/', 'proteins', ''],
    ['s3://proteins/db', 'proteins', 'db'],
    ['s3://pro.te-1ns/a/b c/Größe=1/', 'pro.te-1ns', 'a/b c/Größe=1'],
  ])('reads %s', (uri, bucket, prefix) => {
    expect(parseS3Uri(uri)).toEqual({ bucket, prefix });
  });

  test.each([
    ['', /does not begin with "s3:/],
    ['s3:/x', /does not begin with "s3:/],
    ['s3:x', /does not begin with "s3:/],
    ['S3://proteins/db', /does not begin with "s3:/],
    ['s3a://proteins/db', /does not begin with "s3:/],
    ['s3://', /name of the bucket is missing/],
    ['s3:///db', /name of the bucket is missing/],
    ['s3://Proteins/db', /capital letters/],
    ['s3://pro_teins', /only a-z/],
    ['s3://ab', /3 to 63/],
    [`s3://${'a'.repeat(64)}`, /3 to 63/],
    ['s3://-proteins', /begin and end/],
    ['s3://pro..teins', /two dots/],
    ['s3://127.0.0.1/db', /IP address/],
    ['s3://localhost:9000/db', /AWS_ENDPOINT_URL_S3/],
    ['s3://key:secret@proteins/db', /AWS_ENDPOINT_URL_S3/],
    ['s3://proteins//db', /two slashes/],
    ['s3://proteins/a//b', /two slashes/],
    ['s3://proteins/a/../b', /"\."/],
    ['s3://proteins/.', /"\."/],
    ['s3://proteins/db?region=eu', /character \?/],
    ['s3://proteins/db#1', /character #/],
    ['s3://proteins/%2e%2e/b', /character %/],
    ['s3://proteins/a\\b', /character \\/],
    ['s3://proteins/db/*', /character \*/],
    ['s3://proteins/a\nb', /control characters/],
    ['s3://proteins/a\u0000b', /control characters/],
    [' s3://proteins/a', /space/],
    ['s3://proteins/db ', /space/],
    [`s3://proteins/${'ä'.repeat(400)}`, /too long/],
  ])('refuses %j', (uri, message) => {
    expect(() => parseS3Uri(uri)).toThrow(UsageError);
    expect(() => parseS3Uri(uri)).toThrow(message);
    expect(() => parseS3Uri(uri)).toThrow(/written s3:\/\/bucket\/path\.$/);
  });
});

it('recognizes addresses that are meant as S3, also with typos', () => {
  for (const text of ['s3://b/p', 's3:/b/p', 'S3://b', 's3a://b', ' s3:b']) expect(looksLikeS3(text), text).toBe(true);
  for (const text of ['s3', './s3:/x', '/data/s3:b', 'db', 'https://s3.example'])
    expect(looksLikeS3(text), text).toBe(false);
});

it('joins keys and addresses', () => {
  const [root, inner] = [parseS3Uri('s3://proteins/'), parseS3Uri('s3://proteins/a/b')];
  expect([objectKey(root, 'x/y'), objectKey(inner, 'x/y'), objectKey(root, ''), objectKey(inner, '')]).toEqual([
    'x/y',
    'a/b/x/y',
    '',
    'a/b/',
  ]);
  expect([formatS3Uri(root), formatS3Uri(inner), formatS3Uri(inner, 'x')]).toEqual([
    's3://proteins',
    's3://proteins/a/b',
    's3://proteins/a/b/x',
  ]);
});
