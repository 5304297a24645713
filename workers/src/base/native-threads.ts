/**
 * Threads that are inside native code just now. At `process.exit` Node waits until such code returns, and the thread, which may
 * no longer run JavaScript then, takes the process down with an abort: see signals.ts.
 */
export const busyThreads = new Set<object>();
