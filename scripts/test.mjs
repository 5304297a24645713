// `npm test`: types, then lint and format, then vitest; all three run even where one fails. What is skipped is
// listed, and the last line is the plain count. Arguments go to vitest: npm test -- test/core
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
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

/** Runs vitest and gives its counts; a run that ended without any counts as one failure. */
function vitest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'lanceflow-counts-'));
  try {
    const file = join(folder, 'counts.json');
    const options = ['run', '--reporter=default', `--reporter=${join(ROOT, 'scripts/vitest-counts.mjs')}`];
    // The tests need Node 24, which is started by its path: an older one may stand first on PATH.
    const main = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const ok = step('tests', bin('node'), [main, ...options, ...args], { LANCEFLOW_TEST_COUNTS: file });
    const counts = JSON.parse(readFileSync(file, 'utf8'));
    return { ...counts, failed: ok ? counts.failed : Math.max(1, counts.failed) };
  } catch (error) {
    console.log(`vitest ended without a result: ${error.message}`);
    return { passed: 0, failed: 1, skipped: [] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const checks = [
  step('types', bin('tsc'), ['-p', '.']),
  step('lint and format (npm run format mends it)', bin('biome'), ['check', '.']),
];
const counts = vitest(process.argv.slice(2));
const passed = counts.passed + checks.filter((ok) => ok).length;
const failed = counts.failed + checks.filter((ok) => !ok).length;

if (counts.skipped.length > 0) {
  console.log(`\n*** ${counts.skipped.length} SKIPPED ***`);
  for (const name of counts.skipped) console.log(`*** ${name}`);
  console.log('*** Tests that compare with Python clients need: npm run setup:python');
  console.log('*** Tests of containers and of Slurm need root and packages of Debian: see .ci/run\n');
}
const skipped = counts.skipped.length > 0 ? `, ${counts.skipped.length} skipped` : '';
console.log(`${passed} passed, ${failed} failed${skipped}`);
process.exit(failed === 0 ? 0 : 1);
