import { expect, test } from 'vitest';
import { loadEmbedder } from '../../../workers/src/embed/load-embedder.ts';

test('kmer embeds in the order of the input, with the same result for any batch size', async () => {
  const embedder = await loadEmbedder('kmer');
  const sequences = ['MKTAYIAKQR', 'GSHMASMTGG', 'X', 'MKTAYIAKQR'];
  const together = await embedder.embed(sequences);
  expect(embedder.dimension).toBe(960);
  expect(together).toHaveLength(4 * 960);
  for (const [row, sequence] of sequences.entries())
    expect(together.slice(row * 960, (row + 1) * 960)).toEqual(await embedder.embed([sequence]));
  expect(embedder.attributes).toMatchObject({ model: 'kmer', model_hash: expect.stringMatching(/^kmer-\d+$/) });
  await embedder.close();
});

test('a missing model name is refused', async () => {
  await expect(loadEmbedder('')).rejects.toThrow(/--model is empty/);
  await expect(loadEmbedder('/no/such/model')).rejects.toThrow('/no/such/model: no such model folder');
});
