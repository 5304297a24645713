/**
 * Threads that may be inside native code: those with `runsNativeCode` and unanswered requests. `process.exit` waits until such code
 * returns; by then the thread can no longer run JavaScript, and aborts the process: see signals.ts.
 */
export const busyThreads = new Set<object>();
