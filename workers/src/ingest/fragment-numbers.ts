/** Numbers the data files of units in the order of their rows. Units are finished in any order, and each may have several files. */
export class FragmentNumbers {
  readonly #firsts: PromiseWithResolvers<number>[];

  constructor(units: number) {
    this.#firsts = Array.from({ length: units + 1 }, () => Promise.withResolvers<number>());
    this.#firsts[0]!.resolve(0);
  }

  /** Waits until the files of all units before this one are known. @returns the number of its first file */
  async take(unit: number, files: number): Promise<number> {
    const first = await this.#firsts[unit]!.promise;
    this.#firsts[unit + 1]!.resolve(first + files);
    return first;
  }
}
