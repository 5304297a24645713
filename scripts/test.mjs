// `npm test`: types, then lint and format, then vitest; all three run even where one fails. The last line is the count of tests; the
// line before it says which tests were skipped, and how to run them. Without CI=true, test files tagged `slow` are skipped, unless
// arguments name what to run. Arguments are passed to vitest: npm test -- test/search
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './stamp.mjs';

const bin = (name) => join(ROOT, 'node_modules/.bin', name);

function step(title, program, args, env = {}) {
  console.log(`\n== ${title}`);
  const startedMs = Date.now();
  const { status, signal } = spawnSync(program, args, {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  console.log(`== ${title}: ${status === 0 ? 'passed' : 'FAILED'} (${((Date.now() - startedMs) / 1000).toFixed(1)} s)`);
  if (signal) process.exit(1);
  return status === 0;
}

/** Runs vitest. @returns its counts; a run without counts is one failure */
function vitest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'lanceflow-counts-'));
  try {
    const file = join(folder, 'counts.json');
    const missing = join(folder, 'missing.txt');
    const options = ['run', '--reporter=default', `--reporter=${join(ROOT, 'scripts/vitest-counts.mjs')}`];
    if (process.env.CI !== 'true' && args.length === 0) options.push('--tags-filter=!slow');
    // The tests need Node 24, whose path is given because an older one may be first on PATH.
    const main = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const env = { LANCEFLOW_TEST_COUNTS: file, LANCEFLOW_TEST_MISSING: missing };
    const ok = step('tests', bin('node'), [main, ...options, ...args], env);
    const counts = JSON.parse(readFileSync(file, 'utf8'));
    return { ...counts, failed: ok ? counts.failed : Math.max(1, counts.failed), missing: linesOf(missing) };
  } catch (error) {
    console.log(`vitest ended without a result: ${error.message}`);
    return { passed: 0, failed: 1, slow: 0, skipped: 0, missing: [] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const checks = [
  step('types', bin('tsc'), ['-p', '.']),
  step('lint and format (npm run format fixes it)', bin('biome'), ['check', '.']),
];
const counts = vitest(process.argv.slice(2));
const passed = counts.passed + checks.filter((ok) => ok).length;
const failed = counts.failed + checks.filter((ok) => !ok).length;

const skippedTests = [
  counts.slow > 0 ? `slow tests: ${counts.slow} (CI=true npm test runs all)` : '',
  counts.skipped > 0 && counts.missing.length > 0
    ? `tests that need what is missing here: ${counts.skipped} (${counts.missing.join('; ')})`
    : '',
  counts.skipped > 0 && counts.missing.length === 0 ? `tests that do not apply to this machine: ${counts.skipped}` : '',
].filter((part) => part !== '');
if (skippedTests.length > 0) console.log(`\n*** SKIPPED: ${skippedTests.join('; ')} ***`);
const skipped = counts.slow + counts.skipped;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed === 0 ? 0 : 1);

/** Reads the distinct lines of a file, sorted; none where it does not exist. */
function linesOf(path) {
  if (!existsSync(path)) return [];
  return [...new Set(readFileSync(path, 'utf8').trim().split('\n'))].sort();
}
