/** Powers of ten that a double holds exactly. */
const POWERS = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/**
 * The shortest decimal text that reads back as this float32: 0.1, where JavaScript would print
 * 0.10000000149011612. Infinities are `inf` and `-inf`, as pandas and DuckDB read them.
 */
export function float32Text(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : value < 0 ? '-inf' : 'nan';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text = size >= 1e-9 && size < 1e9 ? commonText(size) : rareText(size);
  return value < 0 ? `-${text}` : text;
}

/** Six digits may do, nine always do. */
function commonText(size: number): string {
  const exponent = Math.floor(Math.log10(size));
  for (let digits = 6; digits < 9; digits++) {
    const shift = digits - 1 - exponent;
    const scale = POWERS[Math.abs(shift)]!;
    const candidate = shift >= 0 ? Math.round(size * scale) / scale : Math.round(size / scale) * scale;
    if (readsBack(candidate, size)) return String(candidate);
  }
  return String(Number(size.toPrecision(9)));
}

function rareText(size: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const candidate = Number(size.toPrecision(digits));
    if (readsBack(candidate, size)) return String(candidate);
  }
  return String(Number(size.toPrecision(9)));
}

/** Stays clear of the middle between two floats, where readers that go by way of a double round differently. */
function readsBack(candidate: number, size: number): boolean {
  return Math.fround(candidate * (1 - 1e-12)) === size && Math.fround(candidate * (1 + 1e-12)) === size;
}
