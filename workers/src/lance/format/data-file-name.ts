import { createHash } from 'node:crypto';

/**
 * Returns the name of a data file in Lance's form: 24 binary digits, which spread objects over a service's partitions, and 26
 * hexadecimal digits. The same seed and fragment give the same name.
 * @param seed identifies the content of the table: two contents must never share a name
 */
export function dataFileName(seed: string, fragment: number): string {
  const digest = createHash('sha256').update(`${seed}/${fragment}`).digest();
  const binary = Array.from(digest.subarray(0, 3), (byte) => byte.toString(2).padStart(8, '0')).join('');
  return `${binary}${digest.subarray(3, 16).toString('hex')}.lance`;
}
