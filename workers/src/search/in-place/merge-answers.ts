import { DataError } from '../../base/errors.ts';
import { type HitColumns, hitRows, hitsOf, type NeighbourColumns, repeatText } from '../../hits/columns.ts';
import { createEvalues, EVALUE, P_VALUE } from '../../hits/evalues.ts';
import type { ExtraField } from '../../hits/extra-column.ts';
import { mergeHits, OUTPUT_LIMITS } from '../../hits/merge.ts';
import { MOST_HITS } from './ask-settings.ts';
import type { BucketAnswer } from './bucket-answer.ts';
import { IN_PLACE_MESSAGES } from './in-place-messages.ts';

/** A column of hits within a merge: LanceDB's row ids of the targets. */
const ROW_ID: ExtraField = { name: 'row_id', type: 'float64' };

/** Neighbours of all buckets. */
export interface FoundNeighbours extends NeighbourColumns {
  /** LanceDB's row ids of the targets, in the tables of their buckets. */
  readonly rowIds?: Float64Array;
}

interface MergeOptions {
  /** Hits that are kept before they are merged: more than the neighbours of all queries. */
  mostRows?: number | undefined;
  /** Whether the hits have row ids. */
  hasRowIds?: boolean | undefined;
}

/**
 * Merges the hits of buckets into each query's k nearest, as merge-hits merges files of hits: the same order, ties and distances. Memory
 * does not grow with the number of buckets: hits that are many are merged before all have come.
 */
export class AnswerMerge {
  readonly #k: number;
  readonly #mostRows: number;
  readonly #hasRowIds: boolean;
  /** Batches of each bucket, or of several that are merged, in the order of hits files. */
  #inputs: HitColumns[][] = [];
  #rows = 0;
  /** Searched rows of the buckets; undefined once hits without p-values have come. */
  #databaseRows: number | undefined = 0;

  constructor(k: number, { mostRows = 2 * MOST_HITS, hasRowIds = false }: MergeOptions = {}) {
    this.#k = k;
    this.#mostRows = mostRows;
    this.#hasRowIds = hasRowIds;
  }

  /** Adds the hits of a bucket, in any order of the buckets. @param bucketRows searched rows of the bucket */
  add(bucket: string, { pValues, rowIds, ...hits }: BucketAnswer['hits'], bucketRows: number): void {
    const rows = hits.distances.length;
    const extra = [...(this.#hasRowIds ? [{ values: rowIds! }] : []), ...(pValues ? [{ values: pValues }] : [])];
    this.#databaseRows = pValues && this.#databaseRows !== undefined ? this.#databaseRows + bucketRows : undefined;
    this.#inputs.push([hitsOf({ ...hits, buckets: repeatText(bucket, rows), extra })]);
    this.#rows += rows;
    if (this.#rows <= this.#mostRows) return;
    const merged = [...this.#merged()].map((batch) => hitsOf(batch));
    this.#inputs = [merged];
    this.#rows = merged.reduce((sum, batch) => sum + hitRows(batch), 0);
  }

  /** Returns the extra columns of the neighbours: E-values, where all hits have p-values. */
  get extra(): readonly ExtraField[] {
    return this.#databaseRows === undefined ? [] : [EVALUE];
  }

  /**
   * Returns batches of neighbours, sorted by query and rank.
   * @param maxEvalue drops neighbours with a larger E-value
   * @throws DataError, before the first batch, for a largest E-value where hits have no p-values
   */
  neighbours(maxEvalue?: number): Generator<FoundNeighbours, void, void> {
    if (this.#databaseRows === undefined && maxEvalue !== undefined) throw new DataError(IN_PLACE_MESSAGES.noPValues);
    return this.#judged(maxEvalue);
  }

  *#judged(maxEvalue?: number): Generator<FoundNeighbours, void, void> {
    const rows = this.#hasRowIds ? [ROW_ID] : [];
    const convert =
      this.#databaseRows === undefined ? undefined : createEvalues(this.#databaseRows, maxEvalue, undefined, rows);
    for (const { extra = [], ...batch } of this.#merged()) {
      const rowColumns = extra.slice(0, rows.length);
      const judged = convert?.({ ...batch, extra: [extra[rows.length]!, ...rowColumns] });
      const [rowIds] = judged ? judged.extra!.slice(1) : rowColumns;
      yield {
        ...(judged ? { ...judged, extra: judged.extra!.slice(0, 1) } : batch),
        ...(rowIds && { rowIds: (rowIds as { values: Float64Array }).values }),
      };
    }
  }

  /** Merges all hits, with their row ids and p-values. */
  *#merged(): Generator<NeighbourColumns, void, void> {
    const unread = this.#inputs.map((batches) => batches.values());
    const fields = [...(this.#hasRowIds ? [ROW_ID] : []), P_VALUE];
    const merge = mergeHits(unread.length, this.#k, OUTPUT_LIMITS, fields);
    for (let step = merge.next(); !step.done; ) {
      if (typeof step.value === 'number') {
        step = merge.next(unread[step.value]!.next().value);
      } else {
        yield step.value;
        step = merge.next();
      }
    }
  }
}
