import { shorten } from './format-table.ts';
import { printable } from './printable.ts';

/** State of long work, from which its bar and its line in a log are made. */
export interface ProgressState {
  /** What is done, to what: "searching bucket_00001". */
  label: string;
  done: number;
  /** 0 where it is unknown. */
  total: number;
  /** In the plural. */
  unit: string;
  perSecond: number;
  /** Undefined before anything is done. */
  etaSeconds: number | undefined;
}

const LINE = /^(.+): (\d+) of (\d+) (.+) \((?:\d+%, )?([\d.]+)\/s(?:, ETA (.+))?\)$/;
const LEAST_BAR = 10;
const LONGEST_BAR = 40;
const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** Computes rate and remaining time from the time since the work began. */
export function progressState(
  work: Pick<ProgressState, 'label' | 'done' | 'total' | 'unit'>,
  elapsedSeconds: number,
): ProgressState {
  const perSecond = elapsedSeconds > 0 ? work.done / elapsedSeconds : 0;
  const etaSeconds = perSecond > 0 ? Math.max(0, work.total - work.done) / perSecond : undefined;
  return { ...work, perSecond, etaSeconds };
}

/** Formats a line for logs: "embedding: 250 of 1000 residues (25%, 25/s, ETA 30 s)". `parseProgressLine` reads it. */
export function progressLine({ label, done, total, unit, perSecond, etaSeconds }: ProgressState): string {
  const percent = total > 0 ? `${percentOf(done, total)}%, ` : '';
  const eta = etaSeconds === undefined ? '' : `, ETA ${formatEta(etaSeconds)}`;
  return `${label}: ${done} of ${total} ${unit} (${percent}${formatRate(perSecond)}/s${eta})`;
}

/** Reads a line of `progressLine`; undefined for another line. */
export function parseProgressLine(line: string): ProgressState | undefined {
  const [, label, done, total, unit, perSecond, eta] = LINE.exec(line) ?? [];
  if (label === undefined) return undefined;
  const counts = { done: Number(done), total: Number(total), perSecond: Number(perSecond) };
  return { label, unit: unit!, ...counts, etaSeconds: eta === undefined ? undefined : parseEta(eta) };
}

/** Formats a line that fits a terminal: with a bar where it is wide, and a shortened label where it is narrow. */
export function progressBar(state: ProgressState, columns: number): string {
  const { done, total, unit, perSecond, etaSeconds } = state;
  const label = printable(state.label);
  const eta = etaSeconds === undefined ? '-' : formatEta(etaSeconds);
  const figures = `${percentOf(done, total)}% | ${done}/${total} ${unit} | ${formatRate(perSecond)}/s | ETA ${eta}`;
  const space = columns - label.length - figures.length - 2;
  if (space > LEAST_BAR) return `${label} ${bar(done / total, Math.min(LONGEST_BAR, space - 1))} ${figures}`;
  return shorten(`${shorten(label, Math.max(LEAST_BAR, columns - figures.length - 2))}  ${figures}`, columns);
}

/** Formats a duration in its two largest units: "30 s", "12 min 5 s", "2 h 2 min", "3 d 4 h". */
export function formatEta(seconds: number): string {
  const whole = Math.round(seconds);
  const first = Math.max(
    0,
    UNITS.findIndex(([, length]) => whole >= length),
  );
  const [unit, length] = whole === 0 ? UNITS.at(-1)! : UNITS[first]!;
  const [smaller, smallerLength] = UNITS[first + 1] ?? [];
  const rest = smallerLength === undefined ? 0 : Math.floor((whole % length) / smallerLength);
  return `${Math.floor(whole / length)} ${unit}${rest === 0 ? '' : ` ${rest} ${smaller}`}`;
}

function parseEta(text: string): number {
  const parts = text.matchAll(/(\d+) (d|h|min|s)\b/g);
  return [...parts].reduce(
    (sum, [, count, unit]) => sum + Number(count) * UNITS.find(([name]) => name === unit)![1],
    0,
  );
}

function formatRate(perSecond: number): string {
  return String(Number(perSecond.toFixed(perSecond < 10 ? 1 : 0)));
}

/** Returns a share in whole percent, rounded down; 0 where the total is unknown. */
export function percentOf(done: number, total: number): number {
  return total > 0 ? Math.min(100, Math.floor((100 * done) / total)) : 0;
}

function bar(share: number, length: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share || 0)) * length);
  return '█'.repeat(full) + '░'.repeat(length - full);
}
