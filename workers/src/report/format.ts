/** Maximum length, in characters, of an id that is not shortened. */
const MAX_ID_CHARACTERS = 64;

/** Formats 1234567 as "1,234,567". */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** Formats a distance, or another number of unknown magnitude, with four digits. */
export function formatNumber(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e6 ? String(Number(value.toPrecision(4))) : value.toExponential(3);
}

/** Formats an E-value with two digits. */
export function formatEvalue(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  return value >= 1e-3 && value < 1e4 ? String(Number(value.toPrecision(2))) : value.toExponential(1);
}

/** Formats a byte count in decimal units. */
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

/** Formats a duration: "12 ms", "1 min 15 s", "2 h 02 min". */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${formatCount(Math.floor(minutes / 60))} h ${pad(minutes % 60)} min`;
}

const pad = (count: number) => String(count).padStart(2, '0');

/** Formats a share, 0 to 1, in percent. */
export function formatShare(share: number): string {
  return `${(100 * share).toFixed(share > 0.9995 || share === 0 ? 0 : 1)}%`;
}

/** Formats an id for one line: control characters become visible, long ids are shortened in the middle. */
export function formatId(id: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  const visible = id.replace(/[\u0000-\u001f\u007f]/g, (character) =>
    String.fromCharCode(character === '\u007f' ? 0x2421 : 0x2400 + character.charCodeAt(0)),
  );
  const characters = [...visible];
  if (characters.length <= MAX_ID_CHARACTERS) return visible;
  return `${characters.slice(0, 40).join('')}…${characters.slice(-12).join('')} (${formatCount(characters.length)} characters)`;
}
