import { murmur3 } from '../base/bytes/murmur3.ts';
import { columnTexts, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { DataError } from '../base/errors.ts';
import { type PlanSource, rowHashOf } from '../database/catalog/bucket-plan.ts';
import { WantedIds } from '../ids/wanted-ids.ts';
import { describeInput } from '../shard/open-description.ts';
import { sourceNotPassed } from './upkeep-messages.ts';

/** Ids that are held in memory at once. */
const PASS_IDS = 4_000_000;

/** Finds rows in a batch of ids. @returns their positions */
export type ChooseRows = (ids: Utf8Column) => Iterable<number>;

/** The ids of sources, read from the shards, or descriptions, that they are in. */
export class IdsOfSources {
  readonly #paths: readonly string[];
  readonly #rowHashes = new Map<string, string>();
  readonly #passIds: number;
  #hasRepeated = false;

  /** @param paths of shards or their descriptions @param passIds ids that are held in memory at once */
  constructor(paths: readonly string[], passIds = PASS_IDS) {
    this.#paths = paths;
    this.#passIds = passIds;
  }

  /** Whether a table had an id of the sources twice. */
  get hasRepeated(): boolean {
    return this.#hasRepeated;
  }

  /**
   * Yields functions that together find the rows of a table whose ids no source has. Each finds those of a share of all ids, so memory does
   * not grow with them.
   * @throws DataError for a source that no path has
   */
  async *others(sources: readonly PlanSource[]): AsyncGenerator<ChooseRows> {
    const rows = sources.reduce((sum, { start, end }) => sum + end - start, 0);
    const passes = Math.max(1, Math.ceil(rows / this.#passIds));
    for (let pass = 0; pass < passes; pass++) {
      const isOfPass = passFilter(pass, passes);
      const texts = [...(await this.#read(sources, isOfPass))];
      const idCount = texts.length;
      const ids = new WantedIds(texts);
      const setRepeated = () => {
        this.#hasRepeated = true;
      };
      let knownRows = 0;
      yield function* (column) {
        const known = new Set(ids.findAll(column));
        knownRows += known.size;
        if (knownRows > idCount - ids.missingCount) setRepeated();
        for (let row = 0; row < column.offsets.length - 1; row++)
          if (isOfPass(column, row) && !known.has(row)) yield row;
      };
    }
  }

  async #read(
    sources: readonly PlanSource[],
    isChosen: (ids: Utf8Column, row: number) => boolean,
  ): Promise<Set<string>> {
    const missing = new Map(sources.map((source) => [rowHashOf(source), source.path]));
    const found = new Set<string>();
    for (const path of this.#paths) {
      const known = this.#rowHashes.get(path);
      if (known !== undefined && !missing.has(known)) continue;
      const ofPath: { row: number; id: string }[] = [];
      const { rowHash } = await describeInput(path, ({ start, ids }) => {
        for (const [row, id] of columnTexts(ids).entries())
          if (isChosen(ids, row)) ofPath.push({ row: start + row, id });
      });
      this.#rowHashes.set(path, rowHash);
      for (const { start, end } of sources.filter((source) => rowHashOf(source) === rowHash))
        for (const { row, id } of ofPath) if (row >= start && row < end) found.add(id);
      missing.delete(rowHash);
    }
    const [first] = missing.values();
    if (first !== undefined) throw new DataError(sourceNotPassed(first));
    return found;
  }
}

/** Returns a function that holds for the ids of one of several shares, by their hash. */
function passFilter(pass: number, passes: number): (ids: Utf8Column, row: number) => boolean {
  const key = new Uint32Array(4);
  return ({ offsets, bytes }, row) => {
    if (passes === 1) return true;
    murmur3(bytes, offsets[row]!, offsets[row + 1]!, key, 0);
    return key[0]! % passes === pass;
  };
}
