import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../base/errors.ts';
import { ifMissing } from '../base/if-missing.ts';

const HOME = fileURLToPath(new URL('../../..', import.meta.url));
/** Matches `from './x.ts'`, `import './x.ts'` and `import('./x.ts')`. */
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;

/** Folders that only a database or a model on S3 needs: a local run does not depend on them. */
const S3_FOLDERS = ['workers/src/s3', 'workers/src/database/s3'];

/** Finds the absolute paths that a source imports, those of types included. @param file its own path */
export function importsOf(file: string, text: string): string[] {
  return Array.from(text.matchAll(IMPORT), ([, imported]) => resolve(file, '..', imported!));
}

/**
 * Finds the files that a command consists of: its own, and all that these import from workers/src.
 * @param usesS3 whether the database or the model is on S3
 * @returns absolute paths, sorted
 */
export function sourcesOf(command: string, home = HOME, usesS3 = true): string[] {
  const found = new Set<string>();
  const isPruned = (file: string) =>
    !usesS3 && S3_FOLDERS.some((folder) => file.startsWith(`${resolve(home, folder)}/`));
  const waiting = [resolve(home, `workers/src/commands/${command}.ts`)];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const text = found.has(file) || isPruned(file) ? undefined : findText(file);
    if (text === undefined) continue;
    found.add(file);
    waiting.push(...importsOf(file, text));
  }
  return [...found].sort();
}

/** Hashes the files that a command consists of, and the versions of its packages. */
export function hashOfSources(command: string, home = HOME, usesS3 = true): string {
  return hashOf(home, sourcesOf(command, home, usesS3));
}

/**
 * Hashes all of workers/src, and the versions of the packages: what the pipeline takes for every command where it runs on a machine
 * without the workers' Node (`ofTree` in lib/WorkerSources.groovy).
 */
export function hashOfTree(home = HOME): string {
  const entries = readdirSync(resolve(home, 'workers/src'), { recursive: true, withFileTypes: true });
  return hashOf(
    home,
    entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name)),
  );
}

function hashOf(home: string, files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of [...files, resolve(home, 'package-lock.json')].sort()) {
    hash.update(`${relative(home, file)}\n`);
    hash.update(findText(file) ?? '');
  }
  return hash.digest('hex').slice(0, 32);
}

function findText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    return ifMissing(undefined)(error);
  }
}

/**
 * Checks, in a container, that its workers are those of the pipeline that started it: -resume compares the pipeline's own hashes, and
 * the modules pass options of the pipeline's version.
 * @throws UsageError where the image was built from other sources
 */
export function requireOwnSources(command: string, env = process.env): void {
  const { LANCEFLOW_HOME: home, LANCEFLOW_WORKER: wanted } = env;
  if (home === undefined || wanted === undefined) return;
  if ([true, false].some((usesS3) => hashOfSources(command, home, usesS3) === wanted)) return;
  if (hashOfTree(home) === wanted) return;
  throw new UsageError(
    'the worker in this container is not the one of the pipeline that runs it: the image was built from other sources. ' +
      'Build the image from the sources of the pipeline (containers/README.md), or run the pipeline from those of the image.',
  );
}
