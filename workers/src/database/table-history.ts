import { messageAt } from '../lance/format/manifest-file.ts';
import { haveSameRows, readManifest, type TableManifest } from '../lance/format/table-manifest.ts';
import { COMPACT, compactedFragments, readOperation, type TableOperation } from '../lance/format/transaction.ts';
import type { CatalogEntry } from './catalog/catalog-entry.ts';

/** Columns that LanceFlow writes and reads. */
const COLUMNS = ['embedding', 'id'];

/** Finds the manifests among paths of a table, by version. Lance names them so that the newest sorts first; earlier releases used the version number. */
export function versionsIn(paths: Iterable<string>): Map<number, string> {
  const found = new Map<number, string>();
  for (const path of paths) {
    const [, name] = /^_versions\/(\d+)\.manifest$/.exec(path) ?? [];
    if (name !== undefined) found.set(Number(name.length === 20 ? 2n ** 64n - 1n - BigInt(name) : BigInt(name)), path);
  }
  return found;
}

interface Version {
  manifest: TableManifest;
  operation: TableOperation;
  transaction: Uint8Array | undefined;
}

/** Determines how each version of a table changed its rows, from its manifests and transactions. */
export class TableHistory {
  readonly #versions: ReadonlyMap<number, string>;
  readonly #newest: number;
  readonly #read: (path: string) => Promise<Uint8Array>;

  /** @param read reads a file of the table */
  constructor(versions: ReadonlyMap<number, string>, read: (path: string) => Promise<Uint8Array>) {
    this.#versions = versions;
    this.#newest = Math.max(...versions.keys());
    this.#read = read;
  }

  /**
   * Walks from the newest version down while each has the same rows as its predecessor.
   * @returns whether the newest version has the rows of `base`, an earlier version, and the operation that created it or changed rows
   */
  async compareWith(base: TableManifest): Promise<{ keepsRows: boolean; operation: string }> {
    let first: string | undefined;
    const changed = (operation: string) => ({ keepsRows: false, operation });
    for (let version = this.#newest, after: TableManifest | undefined; version > base.version; version--) {
      const { manifest, operation } = await this.#version(version);
      // The version after this one added columns.
      if (after && !haveSameRows(manifest, after, COLUMNS)) return changed('other columns');
      first ??= operation.name;
      if (haveSameRows(base, manifest, COLUMNS)) break;
      if (operation.rows === 'changed') return changed(operation.name);
      after = operation.rows === 'columns' ? manifest : undefined;
      if (version === base.version + 1 && after) return changed('other columns');
    }
    return { keepsRows: true, operation: first! };
  }

  /**
   * Returns whether the newest version has the rows of a catalog entry, in files that were compacted from those of the entry. The
   * transaction of a compaction lists the files that it replaced.
   */
  async isCompacted({ files, rows }: Pick<CatalogEntry, 'files' | 'rows'>): Promise<boolean> {
    const own = files.map(({ path }) => path).filter((path) => path.startsWith('data/'));
    for (let version = this.#newest; ; version--) {
      const { manifest, operation, transaction } = await this.#version(version);
      if (operation.rows !== 'kept') return false;
      if (operation !== COMPACT || !transaction) continue;
      const known = new Set(own);
      const paths = (fragment: TableManifest['fragments'][number]) => fragment.files.map(({ path }) => `data/${path}`);
      const kept = manifest.fragments.filter((fragment) => paths(fragment).some((path) => known.has(path)));
      const before = [...kept, ...compactedFragments(transaction)];
      const sum = manifest.fragments.reduce((total, fragment) => total + fragment.rows, 0);
      return (
        sum === rows &&
        [...before, ...manifest.fragments].every(({ hasDeletions }) => !hasDeletions) &&
        before.flatMap(paths).sort().join() === own.sort().join()
      );
    }
  }

  /** Reads a version. A version that was removed or cannot be read counts as one that changed rows. */
  async #version(version: number): Promise<Version> {
    const nothing = { version, columns: new Map(), fragments: [], transaction: undefined };
    const unknown = (name: string): Version => ({
      ...{ manifest: nothing, operation: { name, rows: 'changed' }, transaction: undefined },
    });
    const path = this.#versions.get(version);
    if (path === undefined) return unknown(`version ${version} is gone`);
    const bytes = await this.#read(path);
    try {
      const manifest = readManifest(bytes);
      const made = manifest.transaction;
      if (!made) return { ...unknown('an operation that is not recorded'), manifest };
      const transaction =
        'offset' in made ? messageAt(bytes, made.offset) : await this.#read(`_transactions/${made.file}`);
      return { manifest, operation: readOperation(transaction), transaction };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return unknown(`version ${version} cannot be read`);
    }
  }
}
