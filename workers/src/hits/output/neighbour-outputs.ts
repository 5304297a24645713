import { writeAllAtomically } from '../../base/files/write-atomically.ts';
import type { NeighbourColumns } from '../columns.ts';
import { createCsv } from '../csv/csv-file.ts';
import type { ExtraField } from '../extra-column.ts';
import { createNeighbours } from '../parquet/neighbours-writer.ts';
import type { ParquetCompression } from '../parquet/table-writer.ts';
import { createTargetsFasta, type TargetTexts, type WrittenFasta } from './targets-fasta.ts';
import { textCompression } from './text-file.ts';

/** The files of neighbours to write. */
export interface OutputFiles {
  output: string;
  csv?: string | undefined;
  fasta?: string | undefined;
}

export interface OutputOptions {
  compression: ParquetCompression;
  csvSafe: boolean;
  /** Of the Parquet file: see `neighboursMetadata`. */
  metadata: Readonly<Record<string, string>>;
  /** Extra columns of Parquet and CSV. */
  extra: readonly ExtraField[];
  /** An existing folder for temporary files, of FASTA. */
  scratch: string;
}

/** Appends neighbours to the files. @param texts of the targets, for FASTA */
export type AppendNeighbours = (rows: NeighbourColumns, texts?: TargetTexts) => Promise<void>;

/** Adds targets to the FASTA file alone. */
export type AddTexts = (rows: NeighbourColumns, texts: TargetTexts) => void;

interface NeighbourOutputs {
  append: AppendNeighbours;
  addTexts: AddTexts;
  /** Completes the files. */
  finish(): Promise<WrittenOutputs>;
  /** Closes and deletes the files. */
  abandon(): Promise<void>;
}

export interface WrittenOutputs {
  /** Of all files. */
  bytes: number;
  parquetBytes: number;
  csvBytes: number;
  /** Of the FASTA file. */
  fasta?: WrittenFasta;
}

/**
 * Writes neighbours as Parquet, CSV and FASTA, those that are wanted: all files appear, or none.
 * @param files their names say how they are compressed
 * @returns the result of `write`, and the sizes
 */
export async function writeOutputs<T extends object>(
  files: OutputFiles,
  options: OutputOptions,
  write: (append: AppendNeighbours, addTexts: AddTexts) => Promise<T>,
): Promise<T & WrittenOutputs> {
  return writeAllAtomically([files.output, files.csv, files.fasta], async ([output, csv, fasta]) => {
    const outputs = await createOutputs({ output: output!, csv, fasta }, files, options);
    try {
      const written = await write(outputs.append, outputs.addTexts);
      return { ...written, ...(await outputs.finish()) };
    } catch (error) {
      await outputs.abandon();
      throw error;
    }
  });
}

/** @param paths temporary names: see `writeAllAtomically` @param names of the finished files */
async function createOutputs(
  paths: OutputFiles,
  names: OutputFiles,
  { compression, csvSafe, metadata, extra, scratch }: OutputOptions,
): Promise<NeighbourOutputs> {
  const parquet = await createNeighbours(paths.output, compression, metadata, extra);
  const csv = paths.csv ? await createCsv(paths.csv, textCompression(names.csv ?? ''), csvSafe, extra) : undefined;
  const fasta = paths.fasta ? createTargetsFasta(paths.fasta, textCompression(names.fasta ?? ''), scratch) : undefined;
  return {
    async append(rows, texts) {
      if (texts) fasta?.append(rows, texts);
      await Promise.all([parquet.append(rows), csv?.append(rows)]);
    },
    addTexts(rows, texts) {
      fasta?.append(rows, texts);
    },
    async finish() {
      const parquetBytes = await parquet.finish();
      const csvBytes = (await csv?.finish()) ?? 0;
      const written = await fasta?.finish();
      return {
        bytes: parquetBytes + csvBytes + (written?.bytes ?? 0),
        parquetBytes,
        csvBytes,
        ...(written && { fasta: written }),
      };
    },
    async abandon() {
      await Promise.allSettled([parquet.abandon(), csv?.abandon(), fasta?.abandon()]);
    },
  };
}
