/** Longest id that is shown whole. */
const LONGEST_ID = 64;

/** 1234567 as "1,234,567". */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** A distance, or another number of unknown size, in four digits. */
export function formatNumber(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e6 ? String(Number(value.toPrecision(4))) : value.toExponential(3);
}

/** Bytes in decimal units. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let size = bytes;
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 || size >= 99.5 ? Math.round(size) : size.toPrecision(2 + Number(size >= 9.95))} ${units[unit]}`;
}

/** Seconds as a person says them. */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${formatCount(Math.floor(minutes / 60))} h ${pad(minutes % 60)} min`;
}

const pad = (count: number) => String(count).padStart(2, '0');

/** A share of 1 in percent. */
export function formatShare(share: number): string {
  return `${(100 * share).toFixed(share > 0.9995 || share === 0 ? 0 : 1)}%`;
}

/** An id as it can be shown on one line: control characters made visible, what is long cut in its middle. */
export function formatId(id: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  const visible = id.replace(/[\u0000-\u001f\u007f]/g, (character) =>
    String.fromCharCode(character === '\u007f' ? 0x2421 : 0x2400 + character.charCodeAt(0)),
  );
  const characters = [...visible];
  if (characters.length <= LONGEST_ID) return visible;
  return `${characters.slice(0, 40).join('')}…${characters.slice(-12).join('')} (${formatCount(characters.length)} characters)`;
}
