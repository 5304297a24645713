// A vitest reporter that writes the counts for scripts/test.mjs: {passed, failed, slow, skipped}. `slow` are the skipped tests with
// that tag, `skipped` the others.
import { writeFileSync } from 'node:fs';

export default class CountsReporter {
  onTestRunEnd(modules, unhandledErrors) {
    // An error outside any test (a file that does not load) fails the run, so it counts as one failure.
    const counts = { passed: 0, failed: unhandledErrors.length, slow: 0, skipped: 0 };
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests) {
        const { state } = test.result();
        if (state === 'passed') counts.passed++;
        else if (state !== 'skipped') counts.failed++;
        else if (test.options.tags?.includes('slow')) counts.slow++;
        else counts.skipped++;
      }
      const failedOutside = module.state() === 'failed' && !tests.some((test) => test.result().state === 'failed');
      if (failedOutside) counts.failed++;
    }
    writeFileSync(process.env.LANCEFLOW_TEST_COUNTS, JSON.stringify(counts));
  }
}
