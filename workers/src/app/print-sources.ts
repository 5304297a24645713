// `npm run sources` prints the number of source files of each pipeline stage, by folder of workers/src. With -resume, a change to one of
// these files runs the stage again. `npm run sources -- search-bucket` lists the files of one stage; `--local` prunes files that only S3
// needs, `--s3` those that only a database in a folder needs; `--json` prints only the hashes, by module, for lib/WorkerSources.groovy.
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ALL_STORAGE, hashOfSources, type Storage, sourcesOf } from './worker-sources.ts';

/** Hashes the sources of every stage. @returns hashes by module */
export function hashesByModule(home: string, storage: readonly Storage[]): Record<string, string> {
  return Object.fromEntries(modulesOf(home).map((module) => [module, hashOfSources(commandOf(module), home, storage)]));
}

/** Returns the command of a module, which has its name with underscores; a process needs a noun, and `plan` has none. */
export function commandOf(module: string): string {
  return module === 'plan_run' ? 'plan' : module.replaceAll('_', '-');
}

const modulesOf = (home: string) => readdirSync(join(home, 'modules')).sort();

/** Counts the files of each stage, or lists the files of the named stages. @param names commands; empty for all stages */
function describeSources(home: string, names: readonly string[], storage: readonly Storage[]): string[] {
  const stages = names.length > 0 ? names : modulesOf(home).map(commandOf);
  return stages.flatMap((name) => {
    const files = sourcesOf(name, home, storage).map((file) => relative(join(home, 'workers/src'), file));
    const details = names.length > 0 ? files : [countByFolder(files)];
    const head = `${name}: ${files.length} files, hash ${hashOfSources(name, home, storage)}`;
    return [head, ...details.map((line) => `  ${line}`)];
  });
}

/** Formats counts as `search 35, base 25, ...`, the largest first. */
function countByFolder(files: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const file of files) counts.set(file.split('/')[0]!, (counts.get(file.split('/')[0]!) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([folder, count]) => `${folder} ${count}`)
    .join(', ');
}

if (import.meta.main) {
  const home = fileURLToPath(new URL('../../..', import.meta.url));
  const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
  const requested = ALL_STORAGE.filter((kind) => process.argv.includes(`--${kind}`));
  const storage = requested.length > 0 ? requested : ALL_STORAGE;
  if (process.argv.includes('--json')) console.log(JSON.stringify(hashesByModule(home, storage)));
  else for (const line of describeSources(home, names, storage)) console.log(line);
}
