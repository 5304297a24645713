import { Presets, SingleBar } from 'cli-progress';
import { printable } from '../base/text/printable.ts';
import { say, useTerminal } from './terminal.ts';

/** Shows the progress of long work. `add` counts work done, in the unit that the progress was created with. */
export interface Progress {
  add(count: number): void;
  stop(): void;
}

const LINE_EVERY_MS = 10_000;
/** Columns for the text beside the bar, which a narrower terminal cuts off. */
const TEXT_COLUMNS = 60;

/** Writes one line to standard error: standard output belongs to `--json`. */
export const log = say;

/** Shows a bar with an ETA on a terminal; elsewhere, as in the log of a Nextflow task, a line at most every ten seconds. */
export function createProgress(label: string, total: number, unit: string): Progress {
  return process.stderr.isTTY ? barProgress(label, total, unit) : lineProgress(label, total, unit);
}

function barProgress(label: string, total: number, unit: string): Progress {
  const bar = new SingleBar(
    {
      format: `${printable(label)} {bar} {percentage}% | {value}/{total} ${unit} | {rate}/s | ETA {eta_formatted}`,
      stream: process.stderr,
      // The terminal's settings stay as they are, so that a killed process leaves nothing to restore.
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
