const UNITS: Record<string, number> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Parses "2GB", "512 MiB" or "1000000" into bytes. @returns undefined if the text is not a size */
export function parseByteSize(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?b?)\s*$/i.exec(text);
  const unit = match && UNITS[match[2]!.toLowerCase()];
  return match && unit !== undefined && unit !== null ? Math.floor(Number(match[1]) * unit) : undefined;
}

/** Formats 2500000000 as "2.5 GB". */
export function formatByteSize(bytes: number): string {
  const unit = ['B', 'kB', 'MB', 'GB', 'TB'][Math.min(4, Math.floor(Math.log10(Math.max(1, bytes)) / 3))]!;
  const scaled = bytes / UNITS[unit.toLowerCase()]!;
  return `${scaled >= 100 || unit === 'B' ? Math.round(scaled) : scaled.toFixed(1)} ${unit}`;
}
