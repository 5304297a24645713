import type { ByteRange } from '../../../lance/format/file-format.ts';

/** Sorts ranges, and joins those that overlap or touch. */
export function joinRanges(ranges: readonly ByteRange[]): ByteRange[] {
  const joined: ByteRange[] = [];
  for (const { offset, bytes } of ranges.filter((range) => range.bytes > 0).sort((a, b) => a.offset - b.offset)) {
    const last = joined.at(-1);
    if (last && offset <= last.offset + last.bytes) last.bytes = Math.max(last.bytes, offset + bytes - last.offset);
    else joined.push({ offset, bytes });
  }
  return joined;
}

/** Returns the parts of ranges that are not in `known`. Both are sorted, and no two overlap. */
export function missingRanges(wanted: readonly ByteRange[], known: readonly ByteRange[]): ByteRange[] {
  const missing: ByteRange[] = [];
  let at = 0;
  for (const { offset, bytes } of wanted) {
    const end = offset + bytes;
    let from = offset;
    while (at < known.length && known[at]!.offset + known[at]!.bytes <= offset) at++;
    for (let i = at; i < known.length && known[i]!.offset < end; i++) {
      if (known[i]!.offset > from) missing.push({ offset: from, bytes: known[i]!.offset - from });
      from = Math.max(from, known[i]!.offset + known[i]!.bytes);
    }
    if (from < end) missing.push({ offset: from, bytes: end - from });
  }
  return missing;
}
