import { defineConfig } from 'vitest/config';

// The pipeline tests start real Nextflow runs: they get minutes, and two at a time would only fight for cores.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    reporters: ['default'],
  },
});
