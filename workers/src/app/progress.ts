import { SingleBar } from 'cli-progress';
import { progressBar, progressLine, progressState } from '../base/text/progress-text.ts';
import { announce, watchProgress } from './monitoring/event-bus.ts';
import { canRedraw, isQuiet, sayOnly, useTerminal } from './terminal.ts';

/** Shows the progress of long work. `add` counts work done, in the unit that the progress was created with. */
export interface Progress {
  add(count: number): void;
  stop(): void;
}

const LINE_EVERY_MS = 10_000;
const DEFAULT_COLUMNS = 80;
const SILENT: Progress = { add() {}, stop() {} };

/** Writes a line to standard error, because standard output belongs to `--json`; with `--quiet` only an event. */
export function log(message: string): void {
  announce('log', message);
  if (!isQuiet()) sayOnly(message);
}

/**
 * Shows a bar with an ETA on a terminal; elsewhere, as in the log of a Nextflow task, a line at most every ten seconds, which
 * `lanceflow watch` reads. Shows nothing with `--quiet`, but events have it.
 * @param unit in the plural
 */
export function createProgress(label: string, total: number, unit: string): Progress {
  const startedMs = performance.now();
  return watchProgress(showProgress(label, total, unit), (done) =>
    progressState({ label, done, total, unit }, (performance.now() - startedMs) / 1000),
  );
}

function showProgress(label: string, total: number, unit: string): Progress {
  if (isQuiet()) return SILENT;
  return canRedraw(process.stderr) ? barProgress(label, total, unit) : lineProgress(label, total, unit);
}

function barProgress(label: string, total: number, unit: string): Progress {
  const startedMs = performance.now();
  const bar = new SingleBar({
    format: (_options, { value }) => {
      const elapsedSeconds = (performance.now() - startedMs) / 1000;
      // A line as long as the terminal is wide would wrap.
      const columns = (process.stderr.columns || DEFAULT_COLUMNS) - 1;
      return progressBar(progressState({ label, done: value, total, unit }, elapsedSeconds), columns);
    },
    stream: process.stderr,
    // The terminal's settings stay as they are, so that a killed process leaves nothing to restore.
    hideCursor: false,
    linewrap: true,
  });
  let done = 0;
  useTerminal();
  bar.start(total, 0);
  return {
    add(count) {
      done += count;
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}

function lineProgress(label: string, total: number, unit: string): Progress {
  const startedMs = performance.now();
  let lastMs = startedMs;
  let done = 0;
  return {
    add(count) {
      done += count;
      const nowMs = performance.now();
      if (nowMs - lastMs < LINE_EVERY_MS) return;
      lastMs = nowMs;
      sayOnly(progressLine(progressState({ label, done, total, unit }, (nowMs - startedMs) / 1000)));
    },
    stop() {},
  };
}
