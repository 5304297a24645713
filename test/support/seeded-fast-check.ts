// What vitest.config.ts loads as fast-check. A path, because the name of the package is that of this file there.
import fc from '../../node_modules/fast-check/lib/fast-check.js';

/** Every run has the same random values: a failure that the next run does not repeat is no help. FAST_CHECK_SEED searches further. */
fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 1) });

export * from '../../node_modules/fast-check/lib/fast-check.js';
export default fc;
