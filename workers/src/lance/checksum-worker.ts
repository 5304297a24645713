import { closeSync, openSync, readSync } from 'node:fs';
import { CRC64 } from '../base/bytes/checksum.ts';
import { serveRequests } from '../base/threads/serve-requests.ts';

const BLOCK_BYTES = 2 ** 20;

/** Bytes [start, end) of a file. */
export interface FileRange {
  path: string;
  start: number;
  end: number;
}

const block = new Uint8Array(BLOCK_BYTES);

const methods = {
  /** Computes the CRC-64 of a range of a file. @throws RangeError if the file ends before the range does */
  checksum({ path, start, end }: FileRange): bigint {
    const file = openSync(path, 'r');
    try {
      let sum = 0n;
      for (let at = start; at < end; ) {
        const read = readSync(file, block, 0, Math.min(BLOCK_BYTES, end - at), at);
        if (read === 0) throw new RangeError(`${path}: the file was cut while it was read`);
        sum = CRC64.of(block.subarray(0, read), sum);
        at += read;
      }
      return sum;
    } finally {
      closeSync(file);
    }
  },
};
export type ChecksumMethods = typeof methods;

serveRequests(methods);
