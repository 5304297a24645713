import { UsageError } from './errors.ts';

/** Where objects are: all whose key begins with `prefix/`, or the whole bucket where the prefix is empty. */
export interface S3Location {
  bucket: string;
  /** Without a slash at either end. */
  prefix: string;
}

/** Whether a text means S3, correctly written or not: what looks like it must not become a folder named `s3:`. */
export function looksLikeS3(text: string): boolean {
  return /^\s*s3[an]?:/i.test(text);
}

/** Reads `s3://bucket/prefix`. @throws UsageError saying what is wrong with it and how it is written */
export function parseS3Uri(uri: string): S3Location {
  const fail = (problem: string) =>
    new UsageError(`${JSON.stringify(uri)}: ${problem} An address on S3 is written s3://bucket/path.`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(uri)) throw fail('control characters are not possible in it.');
  if (uri.trim() !== uri) throw fail('it begins or ends with a space.');
  const match = /^s3:\/\/([^/]*)(?:\/(.*))?$/.exec(uri);
  if (!match) throw fail(`it does not begin with "s3://".`);
  const [, bucket = '', path = ''] = match;
  if (bucket === '') throw fail('the name of the bucket is missing.');
  const wrong = bucketProblem(bucket);
  if (wrong !== undefined) throw fail(`${JSON.stringify(bucket)} cannot be the name of a bucket: ${wrong}`);
  const character = /[?#%\\*[\]{}<>|^"`]/.exec(path)?.[0];
  if (character !== undefined) throw fail(`the character ${character} is not possible in its path.`);
  const prefix = path.replace(/\/$/, '');
  const steps = prefix === '' ? [] : prefix.split('/');
  if (steps.includes('')) throw fail('its path has two slashes in a row.');
  if (steps.includes('.') || steps.includes('..')) throw fail('its path has a step "." or "..".');
  if (Buffer.byteLength(prefix) > 700) throw fail('its path is too long (over 700 bytes).');
  return { bucket, prefix };
}

/** The rules of Amazon S3; others that speak its language keep to them. */
function bucketProblem(bucket: string): string | undefined {
  if (bucket.includes(':')) return 'give the address of another service in AWS_ENDPOINT_URL_S3.';
  if (bucket.length < 3 || bucket.length > 63) return 'it must have 3 to 63 characters.';
  if (/[A-Z]/.test(bucket)) return 'it has capital letters.';
  if (!/^[a-z0-9.-]+$/.test(bucket)) return 'only a-z, 0-9, "-" and "." are possible.';
  if (!/^[a-z0-9].*[a-z0-9]$/.test(bucket)) return 'it must begin and end with a letter or digit.';
  if (bucket.includes('..')) return 'it has two dots in a row.';
  if (/^\d+\.\d+\.\d+\.\d+$/.test(bucket)) return 'it looks like an IP address.';
  return undefined;
}

/** The key of an object by its path below the location. */
export function objectKey({ prefix }: S3Location, path: string): string {
  return prefix === '' ? path : path === '' ? `${prefix}/` : `${prefix}/${path}`;
}

/** `s3://bucket/prefix/path`. */
export function formatS3Uri({ bucket, prefix }: S3Location, path = ''): string {
  return `s3://${[bucket, prefix, path].filter((part) => part !== '').join('/')}`;
}
