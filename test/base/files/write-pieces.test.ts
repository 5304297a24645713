import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writePieces } from '../../../workers/src/base/files/write-pieces.ts';
import { temporaryFolder } from '../../support/run.ts';

it('writes pieces end to end, more than one system call accepts, and keeps the rest of the file', async () => {
  const path = join(await temporaryFolder(), 'file');
  const pieces = Array.from({ length: 5000 }, (_, i) => new Uint8Array(i % 7).fill(i));
  const file = openSync(path, 'w');
  writePieces(file, [Buffer.from('before, after')], 0);
  writePieces(file, pieces, 6);
  writePieces(file, [], 0);
  closeSync(file);
  expect(readFileSync(path).equals(Buffer.concat([Buffer.from('before'), ...pieces]))).toBe(true);
});
