import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Families, type Protein, type ProteinSettings, planFamilies } from './families.ts';

/** Increases whenever the same settings would make other proteins. */
const GENERATOR_VERSION = 1;
const LINES = /.{1,60}/g;
const FAMILY_COLUMNS = 'id,family,identity,fragment,file\n';

/** Paths of the demo's proteins. */
export interface ProteinFiles {
  /** Folder of the FASTA files to build a database from. */
  proteins: string;
  queries: string;
  /** CSV: the family of each protein and query, its identity to the family's founder, whether it is a fragment. */
  familyTable: string;
}

/**
 * Writes the FASTA files, the queries and the table of families into a folder; one protein is in memory at a
 * time. Existing files of the same settings are kept.
 * @returns the paths, and whether the files are new
 */
export async function writeProteins(
  folder: string,
  settings: ProteinSettings,
): Promise<ProteinFiles & { made: boolean }> {
  const files = {
    proteins: join(folder, 'proteins'),
    queries: join(folder, 'queries.fasta'),
    familyTable: join(folder, 'families.csv'),
  };
  // Written last: where it matches, the other files are complete.
  const mark = join(folder, 'settings.json');
  const expected = `${JSON.stringify({ generator: GENERATOR_VERSION, ...settings }, null, 2)}\n`;
  const found = await readFile(mark, 'utf8').catch(() => undefined);
  if (found === expected) return { ...files, made: false };
  await rm(folder, { recursive: true, force: true });
  await mkdir(files.proteins, { recursive: true });

  const families = planFamilies(settings);
  const table = createWriteStream(files.familyTable);
  table.write(FAMILY_COLUMNS);
  const rows = new FamilyTable(table);
  for (const { name, proteins } of fastaFiles(families, settings))
    await writeFasta(join(files.proteins, name), rows.pass(name, proteins));
  await writeFasta(files.queries, rows.pass('queries.fasta', queriesOf(families, settings)));
  await new Promise<void>((resolve, reject) => table.on('error', reject).end(resolve));
  await writeFile(mark, expected);
  return { ...files, made: true };
}

/** Writes every protein that passes through to the table of families. */
class FamilyTable {
  readonly #table: NodeJS.WritableStream;
  constructor(table: NodeJS.WritableStream) {
    this.#table = table;
  }
  async *pass(file: string, proteins: Iterable<Protein>): AsyncGenerator<Protein> {
    for (const protein of proteins) {
      const { id, family, identity, fragment } = protein;
      const hasSpace = this.#table.write(`${id},${family},${identity.toFixed(4)},${fragment},${file}\n`);
      if (!hasSpace) await new Promise((resolve) => this.#table.once('drain', resolve));
      yield protein;
    }
  }
}

/** The files of the database, the last one compressed. */
function* fastaFiles(
  families: Families,
  { fileShares, proteins }: ProteinSettings,
): Generator<{ name: string; proteins: Iterable<Protein> }> {
  const written = new Uint32Array(families.sizes.length);
  let share = 0;
  let start = 0;
  for (const [file, fileShare] of fileShares.entries()) {
    share += fileShare;
    const last = file === fileShares.length - 1;
    const end = last ? proteins : Math.round(share * proteins);
    yield {
      name: `proteins_${file + 1}.fasta${last ? '.gz' : ''}`,
      proteins: membersOf(families, families.order.subarray(start, end), written),
    };
    start = end;
  }
}

function* membersOf(families: Families, order: Uint16Array, written: Uint32Array): Generator<Protein> {
  for (const family of order) yield families.member(family, written[family]!++);
}

function* queriesOf(families: Families, { queries }: ProteinSettings): Generator<Protein> {
  for (let index = 0; index < queries; index++) yield families.query(index);
}

async function writeFasta(path: string, proteins: AsyncIterable<Protein>): Promise<void> {
  const steps: Transform[] = path.endsWith('.gz') ? [createGzip()] : [];
  await pipeline([Readable.from(records(proteins)), ...steps, createWriteStream(path)]);
}

async function* records(proteins: AsyncIterable<Protein>): AsyncGenerator<string> {
  for await (const { id, family, identity, fragment, sequence } of proteins) {
    const lines = sequence.match(LINES)!.join('\n');
    yield `>${id} family=${family} identity=${identity.toFixed(2)}${fragment ? ' fragment' : ''}\n${lines}\n`;
  }
}
