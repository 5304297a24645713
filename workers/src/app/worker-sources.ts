import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../base/errors.ts';
import { ifMissing } from '../base/if-missing.ts';

const HOME = fileURLToPath(new URL('../../..', import.meta.url));
/** `from './x.ts'`, `import './x.ts'` and `import('./x.ts')`, as in lib/WorkerSources.groovy. */
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;

/** What only a database or a model on S3 needs. A run without them does not depend on it. */
const OF_S3 = ['workers/src/s3', 'workers/src/database/s3'];

/** Paths that a source imports, types too. @param file its own path */
export function importsOf(file: string, text: string): string[] {
  return Array.from(text.matchAll(IMPORT), ([, imported]) => resolve(file, '..', imported!));
}

/** The files that a command consists of, sorted. @param usesS3 whether a database or a model is on S3 */
export function sourcesOf(command: string, home = HOME, usesS3 = true): string[] {
  const found = new Set<string>();
  const isLeftOut = (file: string) => !usesS3 && OF_S3.some((folder) => file.startsWith(`${resolve(home, folder)}/`));
  const waiting = [resolve(home, `workers/src/commands/${command}.ts`)];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const text = found.has(file) || isLeftOut(file) ? undefined : findText(file);
    if (text === undefined) continue;
    found.add(file);
    waiting.push(...importsOf(file, text));
  }
  return [...found].sort();
}

/** What lib/WorkerSources.groovy says of a command: a hash of all files that it consists of, and of the packages' versions. */
export function hashOfSources(command: string, home = HOME, usesS3 = true): string {
  const hash = createHash('sha256');
  for (const file of [...sourcesOf(command, home, usesS3), resolve(home, 'package-lock.json')].sort()) {
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
 * In a container: its workers must be those of the pipeline that started it, which looks after their hash to know what is to be
 * run again, and has options of its own version.
 * @throws UsageError where they are not
 */
export function requireOwnSources(command: string, env = process.env): void {
  const { LANCEFLOW_HOME: home, LANCEFLOW_WORKER: wanted } = env;
  if (home === undefined || wanted === undefined) return;
  if ([true, false].some((usesS3) => hashOfSources(command, home, usesS3) === wanted)) return;
  throw new UsageError(
    'the worker in this container is not the one of the pipeline that runs it: the image was built from other sources. ' +
      'Build the image from the sources of the pipeline (containers/README.md), or run the pipeline from those of the image.',
  );
}
