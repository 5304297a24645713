// A stamp records the inputs of a set-up step. It is written last, so that an interrupted step is repeated.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Hashes (SHA-256) the contents of files, and plain values (versions, platforms). */
export function fingerprint(files, values = []) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  for (const value of values) hash.update(`\n${value}`);
  return hash.digest('hex');
}

/** Whether the stamp at `path` has this fingerprint. */
export function isStamped(path, wanted) {
  try {
    return readFileSync(path, 'utf8').trim() === wanted;
  } catch {
    // A stamp that cannot be read repeats its step, which reports the error.
    return false;
  }
}

/** Writes a stamp in one step. */
export function writeStamp(path, value) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.${process.pid}.tmp`, `${value}\n`);
  renameSync(`${path}.${process.pid}.tmp`, path);
}
