/** Formats an amount of dollars, a small one with two digits that count: "$0.0012", "$1.25", "$12,340". */
export function formatDollars(amount: number): string {
  if (amount === 0) return '$0';
  if (amount >= 1000) return `$${amount.toLocaleString('en-US', { maximumFractionDigits: 0 })}`;
  return amount >= 1
    ? `$${amount.toFixed(2)}`
    : `$${Number(amount.toPrecision(2)).toFixed(Math.min(9, 1 - Math.floor(Math.log10(amount))))}`;
}
