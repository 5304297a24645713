import { UsageError } from './errors.ts';

/** A place on S3: the objects whose keys begin with `prefix/`, or the whole bucket if the prefix is empty. */
export interface S3Location {
  bucket: string;
  /** Without a slash at either end. */
  prefix: string;
}

/** Returns whether a text is meant as an S3 address, well-formed or not: a typo must not create a folder named `s3:`. */
export function looksLikeS3(text: string): boolean {
  return /^\s*s3[an]?:/i.test(text);
}

/** Parses `s3://bucket/prefix`. @throws UsageError with the problem and the correct form */
export function parseS3Uri(uri: string): S3Location {
  const fail = (problem: string) =>
    new UsageError(`${JSON.stringify(uri)}: ${problem} An address on S3 is written s3://bucket/path.`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are refused
  if (/[\x00-\x1f\x7f]/.test(uri)) throw fail('it contains control characters.');
  if (uri.trim() !== uri) throw fail('it begins or ends with a space.');
  const match = /^s3:\/\/([^/]*)(?:\/(.*))?$/.exec(uri);
  if (!match) throw fail(`it does not begin with "s3://".`);
  const [, bucket = '', path = ''] = match;
  if (bucket === '') throw fail('the name of the bucket is missing.');
  const problem = findBucketProblem(bucket);
  if (problem !== undefined) throw fail(`${JSON.stringify(bucket)} cannot be the name of a bucket: ${problem}`);
  const character = /[?#%\\*[\]{}<>|^"`]/.exec(path)?.[0];
  if (character !== undefined) throw fail(`its path contains the character ${character}, which is not allowed.`);
  const prefix = path.replace(/\/$/, '');
  const segments = prefix === '' ? [] : prefix.split('/');
  if (segments.includes('')) throw fail('its path has two slashes in a row.');
  if (segments.includes('.') || segments.includes('..')) throw fail('its path has a segment "." or "..".');
  if (Buffer.byteLength(prefix) > 700) throw fail('its path is too long (over 700 bytes).');
  return { bucket, prefix };
}

/** Checks a bucket name by the rules of Amazon S3, which compatible services share. @returns the problem, if any */
function findBucketProblem(bucket: string): string | undefined {
  if (bucket.includes(':')) return 'set the address of another service with AWS_ENDPOINT_URL_S3.';
  if (bucket.length < 3 || bucket.length > 63) return 'it must have 3 to 63 characters.';
  if (/[A-Z]/.test(bucket)) return 'it has capital letters.';
  if (!/^[a-z0-9.-]+$/.test(bucket)) return 'only a-z, 0-9, "-" and "." are allowed.';
  if (!/^[a-z0-9].*[a-z0-9]$/.test(bucket)) return 'it must begin and end with a letter or digit.';
  if (bucket.includes('..')) return 'it has two dots in a row.';
  if (/^\d+\.\d+\.\d+\.\d+$/.test(bucket)) return 'it looks like an IP address.';
  return undefined;
}

/** Returns the key of an object by its path below the location. */
export function objectKey({ prefix }: S3Location, path: string): string {
  return prefix === '' ? path : path === '' ? `${prefix}/` : `${prefix}/${path}`;
}

/** Formats `s3://bucket/prefix/path`. */
export function formatS3Uri({ bucket, prefix }: S3Location, path = ''): string {
  return `s3://${[bucket, prefix, path].filter((part) => part !== '').join('/')}`;
}
