import { Presets, SingleBar } from 'cli-progress';
import { printable } from '../base/text/printable.ts';
import { say, useTerminal } from './terminal.ts';

/** Tells how far long work is. `add` counts work done in the unit the progress was created with. */
export interface Progress {
  add(count: number): void;
  stop(): void;
}

const LINE_EVERY_MS = 10_000;
/** Columns for what stands beside the bar; on a narrower terminal its end is cut off. */
const TEXT_COLUMNS = 60;

/** One line on standard error: never standard output, which belongs to `--json`. */
export const log = say;

/** A bar with ETA on a terminal; elsewhere (a Nextflow task's log) a line at most every ten seconds. */
export function createProgress(label: string, total: number, unit: string): Progress {
  return process.stderr.isTTY ? barProgress(label, total, unit) : lineProgress(label, total, unit);
}

function barProgress(label: string, total: number, unit: string): Progress {
  const bar = new SingleBar(
    {
      format: `${printable(label)} {bar} {percentage}% | {value}/{total} ${unit} | {rate}/s | ETA {eta_formatted}`,
      stream: process.stderr,
      // Nothing of the terminal is changed: whatever ends the process, nothing is left.
      hideCursor: false,
      linewrap: true,
      barsize: Math.max(10, Math.min(40, (process.stderr.columns || 80) - TEXT_COLUMNS)),
      etaBuffer: 50,
    },
    Presets.shades_classic,
  );
  const startedMs = performance.now();
  let done = 0;
  useTerminal();
  bar.start(total, 0, { rate: '-' });
  return {
    add(count) {
      done += count;
      bar.update(done, { rate: Math.round(done / ((performance.now() - startedMs) / 1000)) });
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
      const rate = done / ((nowMs - startedMs) / 1000);
      const etaSeconds = Math.round(Math.max(0, total - done) / rate);
      const percent = total > 0 ? `${Math.floor((100 * done) / total)}%, ` : '';
      log(`${label}: ${done} of ${total} ${unit} (${percent}${Math.round(rate)}/s, ETA ${etaSeconds} s)`);
    },
    stop() {},
  };
}
