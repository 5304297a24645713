import { createHash } from 'node:crypto';

/**
 * Names a data file as Lance does: 24 binary digits, which spread objects over a service's partitions, and 26 hexadecimal ones.
 * The same seed and number give the same name.
 * @param seed says what the table consists of: a file is never changed under its name
 */
export function dataFileName(seed: string, fragment: number): string {
  const digest = createHash('sha256').update(`${seed}/${fragment}`).digest();
  const binary = Array.from(digest.subarray(0, 3), (byte) => byte.toString(2).padStart(8, '0')).join('');
  return `${binary}${digest.subarray(3, 16).toString('hex')}.lance`;
}
