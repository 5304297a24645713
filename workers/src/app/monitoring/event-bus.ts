import type { ProgressState } from '../../base/text/progress-text.ts';

// Connects what happens in a command with its monitoring, if there is any. Without it, nothing is kept and nothing is called.

/** Receives what happens in a command. */
export interface Listener {
  message(type: 'log' | 'warning', text: string): void;
  /** Called at the beginning and the end of a step, and at intervals between. */
  progress(state: ProgressState, hasEnded: boolean): void;
}

const EVERY_MS = 2000;

let listener: Listener | undefined;

/** Sets who is told what happens; undefined: nobody. */
export function listenTo(next: Listener | undefined): void {
  listener = next;
}

/** Tells of a line for the user. */
export function announce(type: 'log' | 'warning', text: string): void {
  listener?.message(type, text);
}

/** Tells of progress at intervals. @param stateOf returns the state of a step of which so much is done */
export function watchProgress<P extends { add(count: number): void; stop(): void }>(
  progress: P,
  stateOf: (done: number) => ProgressState,
): P | { add(count: number): void; stop(): void } {
  if (listener === undefined) return progress;
  const told = listener;
  let done = 0;
  let lastMs = performance.now();
  told.progress(stateOf(done), false);
  return {
    add(count) {
      progress.add(count);
      done += count;
      const nowMs = performance.now();
      if (nowMs - lastMs < EVERY_MS) return;
      lastMs = nowMs;
      told.progress(stateOf(done), false);
    },
    stop() {
      progress.stop();
      told.progress(stateOf(done), true);
    },
  };
}
