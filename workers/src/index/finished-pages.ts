/** Pages of a file that is written at many places at once, in the order of the file. */
export class FinishedPages {
  readonly #pages: { missing: number; end: number }[] = [];
  #first = 0;
  #bytes = 0;

  /** Adds the next page. @param ranges that it is written in @param end position of the first byte after it */
  add(ranges: number, end: number): void {
    this.#pages.push({ missing: ranges, end });
  }

  /** Notes that a range of a page is written. @returns the bytes from the beginning of the file on in which nothing is missing */
  finishRange(page: number): number {
    this.#pages[page]!.missing--;
    for (; this.#pages[this.#first]?.missing === 0; this.#first++) this.#bytes = this.#pages[this.#first]!.end;
    return this.#bytes;
  }
}
