import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { architectureOf } from '../../../workers/src/embed/transformer/architectures.ts';
import { ModelConfig } from '../../../workers/src/embed/transformer/config.ts';
import { buildEncoderGraph } from '../../../workers/src/embed/transformer/encoder-graph.ts';
import { findWeights } from '../../../workers/src/onnx/safetensors.ts';
import { type Family, randomCheckpoint } from '../../models/support/checkpoint.ts';
import { temporaryFolder } from '../../support/run.ts';

test.each<[Family, 'F32' | 'F16']>([
  ['amplify', 'F32'],
  ['amplify', 'F16'],
  ['esm2', 'F32'],
])('%s in %s: no weight is copied, the graph points into the files', async (family, type) => {
  const folder = await temporaryFolder();
  const { tensors } = await randomCheckpoint(folder, family, { max_length: 66 }, { type, files: 2 });
  const path = join(folder, 'config.json');
  const config = ModelConfig.parse(path, await readFile(path, 'utf8'));
  const stored = await findWeights(folder);
  const places = { folder, locate: basename, quantizedPath: undefined };
  const options = { hiddenState: 'after-norm', maxTokens: 66, padded: false } as const;
  const { model } = buildEncoderGraph(architectureOf(config), config, stored, places, options);

  const seen = new Map<string, number>();
  let inlineBytes = 0;
  for (const { name, type: onnxType, data } of model.initializers) {
    if (data instanceof Uint8Array) {
      inlineBytes += data.byteLength;
      continue;
    }
    // A part of a tensor is named `name[start:end]`.
    const tensor = name.replace(/\[\d+:\d+\]$/, '');
    const { path: file, offset, byteLength } = stored.tensors.get(tensor)!;
    expect(onnxType).toBe(type === 'F32' ? 'float32' : 'float16');
    expect(data.location).toBe(basename(file));
    expect(data.offset).toBeGreaterThanOrEqual(offset);
    expect(data.offset + data.byteLength).toBeLessThanOrEqual(offset + byteLength);
    seen.set(tensor, (seen.get(tensor) ?? 0) + data.byteLength);
  }
  for (const [name, bytes] of seen) expect([name, bytes]).toEqual([name, stored.tensors.get(name)!.byteLength]);
  const needed = [...tensors.keys()].filter((name) => !/^decoder|inv_freq$/.test(name));
  expect([...seen.keys()].sort()).toEqual(needed.sort());
  // Tables of positions and a few shapes.
  expect(inlineBytes).toBeLessThan(2 * 66 * 8 * 4 + 1000);
  expect((await stat(stored.files[0]!)).size).toBeGreaterThan(5 * inlineBytes);
});
