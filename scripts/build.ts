// `npm pack` runs it: compiles the workers to dist/, because Node runs no TypeScript below a node_modules, where an installed package is.
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** The files of threads, which the compiler does not take for imports. */
const THREAD = /(new URL\('\.[^']*)\.ts(', import\.meta\.url\))/g;

rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
const compiler = join(ROOT, 'node_modules/.bin/tsc');
const { status, error } = spawnSync(compiler, ['-p', join(ROOT, 'scripts/tsconfig.build.json')], {
  stdio: ['ignore', 2, 2],
});
if (error) console.error(`${compiler}: ${error.message}. Run: npm run setup`);
if (status !== 0) process.exit(1);
// Relative, because the folder's own name may have characters of a pattern.
for (const name of globSync('dist/**/*.js', { cwd: ROOT })) {
  const file = join(ROOT, name);
  writeFileSync(file, readFileSync(file, 'utf8').replace(THREAD, '$1.js$2'));
}
