import { type FileHandle, open, readFile } from 'node:fs/promises';
import { algorithmOf } from '../../base/bytes/checksum.ts';
import { returnIfMissing } from '../../base/missing-files.ts';

/** What a journal must begin with to be of use: the same content, cut in the same way. */
export interface JournalHead {
  bytes: number;
  checksum: string;
  partBytes: number;
}

/**
 * Which parts of a file have been written, with the checksum of each: a line a part, added after the part. What a killed
 * process left is taken up from it. The line of a part that never reached the disk is found out by its checksum.
 */
export class Journal {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Begins a new journal, or goes on with what is there. */
  static async open(path: string, head: JournalHead, goOn: boolean): Promise<Journal> {
    const file = await open(path, goOn ? 'a' : 'w');
    // A line that was cut off must not swallow the next.
    await file.appendFile(goOn ? '\n' : `${JSON.stringify(head)}\n`);
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
 * The parts that an earlier process wrote, read again and compared with what it noted. @returns the checksums by part;
 * undefined where there is nothing to go on with.
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
