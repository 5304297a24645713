import { type FileHandle, open, readFile } from 'node:fs/promises';
import { returnIfMissing } from '../../base/missing-files.ts';

/** The first line of a journal. A journal is usable for the same content and part size. */
export interface JournalHead {
  bytes: number;
  checksum: string;
  partBytes: number;
}

/**
 * Records the written parts of a file with their checksums, a line per part, appended after the part. A killed download resumes from
 * it. The checksum shows if a part never reached the disk.
 */
export class Journal {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Creates a journal, or continues an existing one. */
  static async open(path: string, head: JournalHead, isContinued: boolean): Promise<Journal> {
    const file = await open(path, isContinued ? 'a' : 'w');
    // After a truncated line, the next one must start a new line.
    await file.appendFile(isContinued ? '\n' : `${JSON.stringify(head)}\n`);
    return new Journal(file);
  }

  async add(part: number, checksum: string): Promise<void> {
    await this.#file.appendFile(`${part} ${checksum}\n`);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/**
 * Reads which parts an earlier process noted.
 * @returns the formatted checksums by part: none where the journal is of another content or part size. They may be wrong: a power
 *   failure can keep a line and lose its part
 */
export async function readJournal(path: string, head: JournalHead): Promise<Map<number, string>> {
  const [first = '', ...lines] = (await readFile(path, 'utf8').catch(returnIfMissing(''))).split('\n');
  const noted = new Map<number, string>();
  if (first !== JSON.stringify(head)) return noted;
  for (const line of lines) {
    const match = /^(\d+) (\w+:[0-9a-f]+)$/.exec(line);
    if (match) noted.set(Number(match[1]), match[2]!);
  }
  return noted;
}
