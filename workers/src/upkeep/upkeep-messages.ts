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

/** @param names of the first ids, quoted */
export function idsNotFound(path: string, uri: string, names: readonly string[], missing: number, all: number): string {
  const more = missing > names.length ? ', ...' : '';
  return `${path}: ${missing} of ${counted(all, 'id')} are not in ${uri}: ${names.join(', ')}${more}. --json lists all.`;
}
