import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Schema } from 'apache-arrow';
import { mapConcurrently } from '../base/concurrency/map-concurrently.ts';
import { flush } from '../base/files/write-atomically.ts';
import { addFragments, type NewFragment } from './format/add-fragments.ts';
import { manifestName } from './format/manifest-file.ts';
import { createTable } from './tables.ts';

/** The folder of a table's data files, in the table's own. */
export const DATA_FOLDER = 'data';
const VERSIONS = '_versions';
const TRANSACTIONS = '_transactions';
/** A file in `_versions/` that names the newest version. LanceDB wrote it for the empty table, so it would be out of date. */
const VERSION_HINT = 'latest_version_hint.json';
const FILES_AT_ONCE = 8;

/**
 * Creates a table from data files and commits them in one version. LanceDB creates the empty table, so the schema and settings are
 * those of the installed client; the version with the rows is written here (docs/adr/0031).
 * @param folder the files are in `<folder>/<name>.lance/data/`; they are flushed to disk first
 * @param fragments in the order of their rows; their columns are those of the schema
 * @returns the table's version
 */
export async function commitTable(
  folder: string,
  name: string,
  schema: Schema,
  fragments: readonly NewFragment[],
): Promise<number> {
  const path = join(folder, `${name}.lance`);
  const files = fragments.flatMap((fragment) => [fragment, ...(fragment.keptColumns ? [fragment.keptColumns] : [])]);
  await mapConcurrently(files, FILES_AT_ONCE, (file) => flush(join(path, DATA_FOLDER, file.name)));
  const empty = await createTable(folder, name, schema);
  empty.close();
  const { version, manifest, transaction } = addFragments(
    await newestManifest(path),
    fragments,
    randomUUID(),
    Date.now(),
  );
  await mkdir(join(path, TRANSACTIONS), { recursive: true });
  await writeNew(join(path, TRANSACTIONS, transaction.name), transaction.bytes);
  await writeVersion(path, version, manifest);
  return version;
}

/** Reads the newest manifest file of a table. @param path `.../<name>.lance` */
export async function newestManifest(path: string): Promise<Uint8Array> {
  // Manifests are named so that the newest sorts first.
  const [newest] = (await readdir(join(path, VERSIONS))).filter((name) => name.endsWith('.manifest')).sort();
  return readFile(join(path, VERSIONS, newest!));
}

/** Writes the next version of a table. @throws a system error if the table has the version already */
export async function writeVersion(path: string, version: number, manifest: Uint8Array): Promise<void> {
  await rm(join(path, VERSIONS, VERSION_HINT), { force: true });
  await writeNew(join(path, manifestName(version)), manifest);
}

function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  return writeFile(path, bytes, { flag: 'wx', flush: true });
}
