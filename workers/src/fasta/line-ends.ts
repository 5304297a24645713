export const NEWLINE = '\n'.charCodeAt(0);
export const RETURN = '\r'.charCodeAt(0);

/**
 * Finds the ends of lines: a newline, or where a carriage return alone ends lines, either. The first line decides, because a carriage
 * return inside a later line may be a stray one.
 */
export class LineEnds {
  /** `return`: a carriage return alone ends a line too, as in files of old Macs. */
  #kind: 'unknown' | 'newline' | 'return' = 'unknown';
  /** Whether the first line ended with a carriage return at the end of the last piece. */
  #returnPending = false;

  /** Whether a carriage return alone ends a line. */
  get areReturns(): boolean {
    return this.#kind === 'return';
  }

  /** Says that a carriage return alone ended a line. */
  setReturns(): void {
    this.#kind = 'return';
  }

  /**
   * Finds the end of the current line.
   * @returns undefined if the line goes on in the next piece; start - 1 if it ended with the last one
   */
  find(piece: Uint8Array, start: number): number | undefined {
    if (this.#returnPending) {
      this.#returnPending = false;
      this.#kind = piece[start] === NEWLINE ? 'newline' : 'return';
      return this.#kind === 'return' ? start - 1 : start;
    }
    if (this.#kind === 'newline') {
      const end = piece.indexOf(NEWLINE, start);
      return end < 0 ? undefined : end;
    }
    let end = start;
    while (end < piece.length && piece[end] !== NEWLINE && piece[end] !== RETURN) end++;
    if (end === piece.length) return undefined;
    const hasNewline = piece[end] === NEWLINE || piece[end + 1] === NEWLINE;
    const isLast = end + 1 === piece.length;
    if (this.#kind === 'unknown') {
      this.#returnPending = !hasNewline && isLast;
      if (this.#returnPending) return undefined;
      this.#kind = hasNewline ? 'newline' : 'return';
    }
    return piece[end] === RETURN && hasNewline ? end + 1 : end;
  }
}
