// A vitest reporter that writes what scripts/test.mjs sums up: {passed, failed, skipped: [full names]}.
import { writeFileSync } from 'node:fs';

export default class CountsReporter {
  onTestRunEnd(modules, unhandledErrors) {
    // An error outside any test (a file that does not load) fails the run, so it counts as one failure.
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: [] };
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests) {
        const { state } = test.result();
        if (state === 'passed') counts.passed++;
        else if (state === 'skipped') counts.skipped.push(`${module.relativeModuleId} > ${test.fullName}`);
        else counts.failed++;
      }
      const failedOutside = module.state() === 'failed' && !tests.some((test) => test.result().state === 'failed');
      if (failedOutside) counts.failed++;
    }
    writeFileSync(process.env.LANCEFLOW_TEST_COUNTS, JSON.stringify(counts));
  }
}
