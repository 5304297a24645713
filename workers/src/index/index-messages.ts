// Messages of indexing. Each names the bucket, the problem and the remedy.

import { DataError } from '../base/errors.ts';
import { counted } from '../base/text/counted.ts';

// The table

export function notIngested(uri: string, bucket: string): DataError {
  return new DataError(`${uri}: ${bucket} is not ingested. Run lanceflow ingest-bucket first.`);
}

export function notAsIngested(uri: string, bucket: string): DataError {
  return new DataError(
    `${uri}/${bucket}.lance: the table is missing, or not as ingest-bucket left it. Run ingest-bucket again.`,
  );
}

/** @param rows row count of the table @param ingested row count in the ingest record */
export function otherRowCount(uri: string, bucket: string, rows: number, ingested: number): DataError {
  return new DataError(
    `${uri}: ${bucket} has ${counted(rows, 'row')}, but ${ingested} were ingested: another client changed it. ` +
      `Remove ${bucket}.lance and _pending/${bucket}.json there and build the bucket again.`,
  );
}

// Parameters of the index that differ from the requested ones

export function tooFewRows(rows: number, needed: number): string {
  return `${counted(rows, 'vector')} ${rows === 1 ? 'is' : 'are'} too few to train an index (${needed} needed); searches read all of them`;
}

export function oddDimension(dimension: number): string {
  return `IVF-RQ needs a dimension divisible by 8, not ${dimension}; IVF-PQ is used`;
}

/** @param components of a sub-vector in the article */
export function otherSubVectors(subVectors: number, dimension: number, components: number): string {
  return `${counted(subVectors, 'sub-vector')}: the largest divisor of ${dimension} up to ${dimension}/${components}`;
}

// The index

export function newerForm(bucket: string): string {
  return `${bucket}: LanceDB clients before 0.34 would search this index wrongly: its layout is not known.`;
}

/** @param found result of the check, as a clause */
export function poorIndex(found: string): string {
  return (
    `the index holds rows of such different lengths badly: ${found}. ` +
    'Search with --search scan or exact, or normalize the vectors and build with --metric cosine'
  );
}

/** @param found result of the check, as a clause @param isHalf whether the table has float16 vectors */
export function unfitIvfPq(bucket: string, found: string, isHalf: boolean): DataError {
  const type = isHalf ? ', or ingest with --vector-type float32' : '';
  return new DataError(
    `${bucket}: an ivf-pq index cannot hold these rows (they are long, or of very different lengths): ${found}. ` +
      `Use --index ivf-rq${type}.`,
  );
}

export function ownNeighbourNotFound(id: string): string {
  return `row ${JSON.stringify(id)} is not its own nearest neighbour in it`;
}

/** @param near how many of the `compared` neighbours the index found, or nearer ones */
export function fewNeighboursFound(near: number, compared: number): string {
  return `it finds ${near} of ${counted(compared, 'neighbour')} that a sample of rows has, or nearer ones`;
}
