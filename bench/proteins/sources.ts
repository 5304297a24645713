import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readHashes } from './labels.ts';
import { type Protein, parseFasta, parseStockholm, readText } from './sequences.ts';

/** Folders of sequences in Debian's packages. */
export interface SourceFolders {
  mmseqs2: string;
  hmmer: string;
  prokka: string;
}

export const DEBIAN: SourceFolders = {
  mmseqs2: '/usr/share/doc/mmseqs2/example-data',
  hmmer: '/usr/share/doc/hmmer/examples',
  prokka: '/usr/share/prokka/db/genus',
};

/** An alignment of members, and a file that has all of them. */
interface Family {
  profile: string;
  members: string;
}

const seed = (path: string): Family => ({ profile: path, members: path });

/** Seven Pfam seeds, and the globins of HMMER's tutorial. Debian compresses some of the files. */
export const FAMILIES: Readonly<Record<string, Family>> = {
  Caudal_act: seed('testsuite/Caudal_act.sto.gz'),
  LuxC: seed('testsuite/LuxC.sto.gz'),
  Patched: seed('testsuite/Patched.sto.gz'),
  RRM_1: seed('testsuite/RRM_1.sto.gz'),
  SMC_N: seed('testsuite/SMC_N.sto.gz'),
  Pkinase: seed('tutorial/Pkinase.sto'),
  fn3: seed('tutorial/fn3.sto'),
  globins: { profile: 'tutorial/globins4.sto', members: 'tutorial/globins45.fa' },
};

/** Every file of sequences: its package's folder, and its path there. */
export const SOURCES: readonly (readonly [keyof SourceFolders, string])[] = [
  ['mmseqs2', 'QUERY.fasta.gz'],
  ['mmseqs2', 'DB.fasta.gz'],
  ...Object.values(FAMILIES).map(({ members }) => ['hmmer', members] as const),
  ['prokka', 'Escherichia'],
  ['prokka', 'Staphylococcus'],
  ['prokka', 'Enterococcus'],
];

/** Reads files of sequences, and refuses others than those that the labels were made from. */
export class Sources {
  readonly #folders: SourceFolders;
  readonly #hashes: ReadonlyMap<string, string> | undefined;

  private constructor(folders: SourceFolders, hashes: ReadonlyMap<string, string> | undefined) {
    this.#folders = folders;
    this.#hashes = hashes;
  }

  static async open(folders: SourceFolders): Promise<Sources> {
    return new Sources(folders, await readHashes());
  }

  /** Opens sources of any content, to make labels. */
  static unchecked(folders: SourceFolders): Sources {
    return new Sources(folders, undefined);
  }

  /** Reads the proteins of a file. Where an id is repeated, as in prokka's databases, the first counts. */
  async read(from: keyof SourceFolders, name: string): Promise<Protein[]> {
    const { text } = await this.readChecked(from, name);
    const proteins = name.includes('.sto') ? parseStockholm(text) : parseFasta(text);
    const ids = new Set<string>();
    return proteins.filter(({ id }) => ids.size < ids.add(id).size);
  }

  async readChecked(from: keyof SourceFolders, name: string): Promise<{ text: string; sha256: string }> {
    const path = join(this.#folders[from], name);
    if (!existsSync(path)) throw new Error(`${path} does not exist: docs/protein-benchmark.md names Debian's packages`);
    const source = await readText(path);
    const expected = this.#hashes?.get(`${from}/${name}`) ?? source.sha256;
    if (source.sha256 === expected) return source;
    throw new Error(
      `${path} is not the file that the labels were made from: make new ones with node bench/proteins/make-labels.ts`,
    );
  }
}
