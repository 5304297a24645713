import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadEmbedder } from '../../workers/src/embed/load-embedder.ts';
import { ROOT } from '../support/run.ts';

/** SHA-256 of the vectors of SEQUENCES by kmer, whose bits are the same on every machine, by version. */
const KMER = new Map([[1, 'bf1fe673cd341deefd7e6bc90502a7611016edb7dc0b2b6c6e131a9ebd3e0a7d']]);
const SEQUENCES = ['MKVLAAGIVGLCAKAYKEWLQ', 'ACDEFGHIKLMNPQRSTVWYX', 'M'];

test('a change of the vectors raises the version, so that the embedding cache does not mix them with older ones', async () => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'workers/src/embed/embedding-version.json'), 'utf8'));
  const embedder = await loadEmbedder('kmer');
  const vectors = await embedder.embed(SEQUENCES);
  await embedder.close();
  const digest = createHash('sha256').update(new Uint8Array(vectors.buffer)).digest('hex');
  expect(KMER.get(version), 'raise the version, and add it with this hash').toBe(digest);
});
