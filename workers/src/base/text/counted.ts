/** Formats a count and its noun: "1 vector", "2 vectors", "0 queries". @param noun in the singular; regular plurals only */
export function counted(count: number | bigint | string, noun: string): string {
  return `${count} ${pluralFor(count, noun)}`;
}

/** Returns a noun in the form that a count needs. @param noun in the singular */
export function pluralFor(count: number | bigint | string, noun: string): string {
  if (`${count}` === '1') return noun;
  if (/[^aeiou]y$/.test(noun)) return `${noun.slice(0, -1)}ies`;
  return /(s|x|ch|sh)$/.test(noun) ? `${noun}es` : `${noun}s`;
}
