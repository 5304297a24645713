import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../base/errors.ts';
import { returnIfMissing } from '../base/missing-files.ts';

const HOME = fileURLToPath(new URL('../../..', import.meta.url));
/** Matches `from './x.ts'`, `import './x.ts'` and `import('./x.ts')`. */
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;

/** Folders that only a database in a folder (`local`), or only a database or a model on S3 (`s3`) needs. */
const STORAGE_FOLDERS = {
  local: ['workers/src/database/local'],
  s3: ['workers/src/database/s3', 'workers/src/s3'],
} as const;

/** Storage of a run's database and model. A run depends only on the code for the kinds that it uses. */
export type Storage = keyof typeof STORAGE_FOLDERS;
export const ALL_STORAGE: readonly Storage[] = ['local', 's3'];
/** A database in a folder, one on S3, and one in a folder with a model on S3. */
const USES_OF_STORAGE: readonly (readonly Storage[])[] = [['local'], ['s3'], ALL_STORAGE];

/** Finds the absolute paths that a source imports, including type imports. @param file path of the source */
export function importsOf(file: string, text: string): string[] {
  return Array.from(text.matchAll(IMPORT), ([, imported]) => resolve(file, '..', imported!));
}

/**
 * Finds the files that a command consists of: its source, and all files in workers/src that it imports, also indirectly.
 * @param storage that the database and the model use
 * @returns absolute paths, sorted
 * @throws if there is no such command
 */
export function sourcesOf(command: string, home = HOME, storage = ALL_STORAGE): string[] {
  const found = new Set<string>();
  const pruned = ALL_STORAGE.filter((kind) => !storage.includes(kind))
    .flatMap((kind) => STORAGE_FOLDERS[kind])
    .map((folder) => `${resolve(home, folder)}/`);
  const isPruned = (file: string) => pruned.some((folder) => file.startsWith(folder));
  const waiting = [findCommand(command, home)];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const text = found.has(file) || isPruned(file) ? undefined : findText(file);
    if (text === undefined) continue;
    found.add(file);
    waiting.push(...importsOf(file, text));
  }
  return [...found].sort();
}

/** Returns the path of a command's source, in `commands/` or a folder below it. */
function findCommand(command: string, home: string): string {
  const folder = resolve(home, 'workers/src/commands');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const file = files.find((path) => basename(path) === `${command}.ts`);
  if (file === undefined) throw new Error(`no command ${command} in ${folder}`);
  return join(folder, file);
}

/** Hashes the files that a command consists of, and the versions of its packages. */
export function hashOfSources(command: string, home = HOME, storage = ALL_STORAGE): string {
  return hashOf(home, sourcesOf(command, home, storage));
}

/**
 * Hashes all of workers/src, and the versions of the packages. On a machine without the workers' Node, the pipeline uses this hash for
 * every command (`ofTree` in lib/WorkerSources.groovy).
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
    return returnIfMissing(undefined)(error);
  }
}

/**
 * Checks, in a container, that the image has the same workers as the pipeline that started it: -resume compares the pipeline's hashes,
 * and the modules pass options of the pipeline's version.
 * @throws UsageError if the image was built from other sources
 */
export function requireOwnSources(command: string, env = process.env): void {
  const { LANCEFLOW_HOME: home, LANCEFLOW_WORKER: wanted } = env;
  if (home === undefined || wanted === undefined) return;
  if (USES_OF_STORAGE.some((storage) => hashOfSources(command, home, storage) === wanted)) return;
  if (hashOfTree(home) === wanted) return;
  throw new UsageError(
    "the worker in this container differs from the pipeline's: the image was built from other sources. " +
      "Build the image from the pipeline's sources (containers/README.md), or run the pipeline from the image's sources.",
  );
}
