// `npm run sources`: how many files each stage of the pipeline consists of, by folder of workers/src: with -resume a change of one of them runs
// the stage again. `npm run sources -- search-bucket`: the files of one; `--local`: without what only S3 needs.
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashOfSources, sourcesOf } from '../workers/src/app/worker-sources.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** A module is named as its command is. */
const STAGES = readdirSync(join(ROOT, 'modules')).map((name) => name.replaceAll('_', '-'));

const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const usesS3 = !process.argv.includes('--local');
for (const name of names.length > 0 ? names : STAGES) {
  const files = sourcesOf(name, ROOT, usesS3).map((file) => relative(join(ROOT, 'workers/src'), file));
  console.log(`${name}: ${files.length} files, hash ${hashOfSources(name, ROOT, usesS3)}`);
  if (names.length > 0) for (const file of files) console.log(`  ${file}`);
  else console.log(`  ${countByFolder(files)}`);
}

/** `search 35, base 25, ...`, most first. */
function countByFolder(files: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const file of files) counts.set(file.split('/')[0]!, (counts.get(file.split('/')[0]!) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([folder, count]) => `${folder} ${count}`)
    .join(', ');
}
