// A stamp says what a set-up step was made from. It is written last, so a step that was cut off is done again.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** SHA-256 over the contents of files and over plain values (versions, platforms). */
export function fingerprint(files, values = []) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  for (const value of values) hash.update(`\n${value}`);
  return hash.digest('hex');
}

/** True where the stamp at `path` holds this fingerprint. */
export function isStamped(path, wanted) {
  try {
    return readFileSync(path, 'utf8').trim() === wanted;
  } catch {
    // Whatever is wrong with the stamp: its step is done again, and tells.
    return false;
  }
}

/** Writes a stamp in one step. */
export function writeStamp(path, value) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.${process.pid}.tmp`, `${value}\n`);
  renameSync(`${path}.${process.pid}.tmp`, path);
}
