import { type FileHandle, open, readFile } from 'node:fs/promises';
import { algorithmOf } from '../../base/bytes/checksum.ts';
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
 * Reads the parts that an earlier process wrote, and verifies them against its journal.
 * @returns the checksums by part, or undefined where nothing can be resumed
 */
export async function readJournal(
  path: string,
  data: string,
  head: JournalHead,
): Promise<Map<number, bigint> | undefined> {
  const [first = '', ...lines] = (await readFile(path, 'utf8').catch(returnIfMissing(''))).split('\n');
  if (first !== JSON.stringify(head)) return undefined;
  const file = await open(data).catch(returnIfMissing(undefined));
  if (!file) return undefined;
  const algorithm = algorithmOf(head.checksum);
  const written = new Map<number, bigint>();
  const buffer = Buffer.allocUnsafe(Math.min(head.partBytes, head.bytes));
  try {
    for (const line of lines) {
      const match = /^(\d+) (\w+:[0-9a-f]+)$/.exec(line);
      if (!match) continue;
      const part = Number(match[1]);
      const length = Math.min(head.partBytes, head.bytes - part * head.partBytes);
      if (length <= 0) continue;
      const piece = buffer.subarray(0, length);
      const { bytesRead } = await file.read(piece, 0, length, part * head.partBytes);
      const checksum = algorithm.of(piece);
      if (bytesRead === length && algorithm.format(checksum) === match[2]) written.set(part, checksum);
    }
  } finally {
    await file.close();
  }
  return written;
}
