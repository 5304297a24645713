import { defineConfig } from 'vitest/config';

// Many tests wait for processes that they start (Nextflow, Slurm, S3 servers): two files at a time keep two cores busy.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Far more than a quiet machine needs: a busy one is no failure.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    tags: [{ name: 'slow', description: 'Left out by `npm test` on a laptop; CI=true runs all.' }],
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default'],
  },
});
