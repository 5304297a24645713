import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { algorithmOf, CRC64 } from '../base/bytes/checksum.ts';
import { checksumOfFile } from '../base/bytes/file-checksum.ts';
import type { RemoteObject } from './describe-object.ts';

export interface Comparison {
  path: string;
  /** An object of the file's size. */
  there: RemoteObject;
  /** Checksum of the file, if it is known. */
  known: string | undefined;
  /** Part size of an upload of this file. */
  partBytes: number;
}

/** Compares a file with an object. @returns the checksum of the file if the object has the same content; otherwise undefined */
export async function sameChecksum({ path, there, known, partBytes }: Comparison): Promise<string | undefined> {
  if (there.checksum === undefined) {
    const { bytes = 0, etag } = there;
    // The ETag of a multipart object is the MD5 of the MD5s of its parts: useless for other part sizes and encrypted objects.
    if (!new RegExp(bytes > partBytes ? `-${Math.ceil(bytes / partBytes)}$` : '^[0-9a-f]{32}$').test(etag))
      return undefined;
    const found = await etagOf(path, bytes, partBytes);
    return found.etag === etag ? found.checksum : undefined;
  }
  const algorithm = algorithmOf(there.checksum);
  const checksum =
    known !== undefined && algorithm.isAlgorithmOf(known) ? known : await checksumOfFile(path, algorithm);
  return checksum === there.checksum ? checksum : undefined;
}

/** Computes the ETag of a file that is uploaded in parts of this size, and its checksum. */
async function etagOf(path: string, bytes: number, partBytes: number): Promise<{ etag: string; checksum: string }> {
  const parts: Buffer[] = [];
  let sum = 0n;
  for (let start = 0; start < bytes || start === 0; start += partBytes) {
    const md5 = createHash('md5');
    const end = Math.min(bytes, start + partBytes) - 1;
    if (end >= start)
      for await (const chunk of createReadStream(path, { start, end, highWaterMark: 2 ** 20 })) {
        md5.update(chunk);
        sum = CRC64.of(chunk, sum);
      }
    parts.push(md5.digest());
  }
  const whole = createHash('md5').update(Buffer.concat(parts)).digest('hex');
  const etag = bytes > partBytes ? `${whole}-${parts.length}` : parts[0]!.toString('hex');
  return { etag, checksum: CRC64.format(sum) };
}
