import { homedir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { SlowFirst } from './test/support/slow-first.ts';

// That of bin/lanceflow. It also saves a tenth of the CPU time of tests that run commands, with their threads, in the test's process.
process.env.NODE_COMPILE_CACHE ??= join(homedir(), '.cache/lanceflow/compiled');

export default defineConfig({
  resolve: {
    alias: [{ find: /^fast-check$/, replacement: join(import.meta.dirname, 'test/support/seeded-fast-check.ts') }],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/nextflow-archive.ts',
    sequence: { sequencer: SlowFirst },
    // Far more than a quiet machine needs: a busy one is no failure.
    testTimeout: 240_000,
    hookTimeout: 400_000,
    expect: { poll: { timeout: 150_000 } },
    tags: [{ name: 'slow', description: 'Left out by `npm test` on a laptop; CI=true runs all.' }],
    pool: 'forks',
    // Many tests wait for processes that they start (Nextflow, Slurm, S3 servers): two files at a time leave a quarter of two cores idle.
    maxWorkers: 3,
    reporters: ['default'],
  },
});
