import { defineConfig } from 'vitest/config';

// The pipeline tests start real Nextflow runs: they get minutes, and two at a time would only fight for cores.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Far more than a quiet machine needs: a busy one is no failure.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    pool: 'forks',
    reporters: ['default'],
  },
});
