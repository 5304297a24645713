/** Powers of ten that a double represents exactly. */
const POWERS = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const ZERO = 0x30;
const MINUS = 0x2d;
const POINT = 0x2e;

/** Maximum byte count of the text of a float32. */
export const FLOAT_TEXT_BYTES = 24;

/**
 * Writes the shortest decimal text that reads back as this float32: 0.1, where JavaScript would print
 * 0.10000000149011612. Infinities are `inf` and `-inf`, as pandas and DuckDB read them.
 * @returns the end of the text in `buffer`
 */
export function putFloat32(buffer: Uint8Array, at: number, value: number): number {
  const size = Math.abs(value);
  // Nearly all distances are in this range, for which no JavaScript string is needed.
  if (!(size >= 1e-4 && size < 10)) return putAscii(buffer, at, rareText(value));
  const exponent = size >= 1 ? 0 : size >= 0.1 ? -1 : size >= 0.01 ? -2 : size >= 0.001 ? -3 : -4;
  let decimals = 5 - exponent;
  let scaled = Math.round(size * POWERS[decimals]!);
  // Six digits may suffice, nine always do.
  while (decimals < 8 - exponent && !readsBack(scaled / POWERS[decimals]!, size))
    scaled = Math.round(size * POWERS[++decimals]!);
  return putDecimal(buffer, value < 0 ? putMinus(buffer, at) : at, scaled, decimals);
}

/** Returns the text of `putFloat32`. */
export function formatFloat32(value: number): string {
  const buffer = Buffer.alloc(FLOAT_TEXT_BYTES);
  return buffer.toString('latin1', 0, putFloat32(buffer, 0, value));
}

function putMinus(buffer: Uint8Array, at: number): number {
  buffer[at] = MINUS;
  return at + 1;
}

/** Writes scaled / 10^decimals without trailing zeros. */
function putDecimal(buffer: Uint8Array, at: number, scaled: number, decimals: number): number {
  let digits = scaled;
  let places = decimals;
  while (places > 0 && digits % 10 === 0) {
    digits /= 10;
    places--;
  }
  if (places === 0) {
    if (digits > 9) return putAscii(buffer, at, String(digits));
    buffer[at] = ZERO + digits;
    return at + 1;
  }
  for (let i = at + 1 + places; i > at + 1; i--) {
    const rest = Math.floor(digits / 10);
    buffer[i] = ZERO + digits - rest * 10;
    digits = rest;
  }
  buffer[at] = ZERO + digits;
  buffer[at + 1] = POINT;
  return at + 2 + places;
}

function rareText(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : value < 0 ? '-inf' : 'nan';
  if (value === 0) return '0';
  for (let digits = 1; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (readsBack(candidate, value)) return String(candidate);
  }
  return String(Number(value.toPrecision(9)));
}

/** Returns whether a candidate reads back as `value`. Excludes midpoints between two floats, which readers that parse a double first round differently. */
function readsBack(candidate: number, value: number): boolean {
  return Math.fround(candidate * (1 - 1e-12)) === value && Math.fround(candidate * (1 + 1e-12)) === value;
}

/** Writes text of ASCII characters. @returns its end in `buffer` */
export function putAscii(buffer: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) buffer[at + i] = text.charCodeAt(i);
  return at + text.length;
}
