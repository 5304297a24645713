import { counted } from '../base/text/counted.ts';

// Errors, warnings and log lines of this folder, for users.

export function changedByClient(uri: string, bucket: string, version: number): string {
  return (
    `${uri}: ${bucket} has version ${version} of another client. Take it over first: ` +
    `lanceflow adopt --database ${uri} --bucket ${bucket}`
  );
}

export function withoutFragments(uri: string, bucket: string): string {
  return (
    `${uri}: the catalog does not say where ${bucket} stores its vectors, so searches could not skip deleted rows. ` +
    `Build its table anew first: lanceflow compact --database ${uri} --bucket ${bucket}`
  );
}

export function notATable(bucket: string, dimension: number, vectorType: string): string {
  return (
    `${bucket}: its table must have a column "embedding" with a vector of ${dimension} components of ${vectorType} in every row, and a ` +
    'column "id" with a text in every row. Another client changed them: restore an earlier version of the table, or correct the rows there.'
  );
}

export function otherColumn(bucket: string, name: string): string {
  return (
    `${bucket}: the column ${JSON.stringify(name)} of its table cannot be kept: a column has texts, integers up to int64, or floats of 32 ` +
    "or 64 bits, and no name of LanceFlow's own columns. Drop or convert it there."
  );
}

export function textWithNul(bucket: string, name: string): string {
  return `${bucket}: the column ${JSON.stringify(name)} of its table has a text with a NUL byte. Remove it there.`;
}

export function notAddedYet(uri: string, bucket: string): string {
  return (
    `${uri}: it does not have all rows of ${bucket} yet, so the rows of earlier versions are kept. Finish the build first: run it again, or ` +
    'ingest-bucket and index-bucket.'
  );
}

/** @param path an input that replaces an earlier version */
export function goneSincePlanned(uri: string, path: string): string {
  return (
    `${uri}: it no longer has all rows of ${path}, so those of its earlier version are kept: another run has replaced them since this one ` +
    'was planned. Run again without -resume.'
  );
}

/** @param path a source whose rows stay */
export function sourceNotPassed(path: string): string {
  return `--input has no shard with the rows of ${path} that the database has: it has changed since pack-buckets. Plan again.`;
}

export function notToldApart(uri: string, bucket: string): string {
  return (
    `${uri}: ids do not tell which rows of ${bucket} are of an earlier version: an id is in two files, or another client added rows. ` +
    'Delete the old rows with lanceflow delete --ids (docs/upkeep.md, "Replace").'
  );
}

export function noRowsLeft(bucket: string): string {
  return `${bucket}: no rows are left. Such a bucket cannot be written again; it costs searches nothing.`;
}

export function nothingToAdopt(bucket: string): string {
  return `${bucket}: no other client changed it; nothing to do.`;
}

export function replacedBy(buckets: readonly string[], by: string): string {
  return `${buckets.join(', ')}: now in ${by}.`;
}

/** @param names of the first ids, quoted */
export function idsNotFound(path: string, uri: string, names: readonly string[], missing: number, all: number): string {
  const more = missing > names.length ? ', ...' : '';
  return `${path}: ${missing} of ${counted(all, 'id')} are not in ${uri}: ${names.join(', ')}${more}. --json lists all.`;
}
