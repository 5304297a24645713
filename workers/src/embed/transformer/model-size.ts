import { tmpdir } from 'node:os';
import { withScratch } from '../../base/files/scratch.ts';
import { looksLikeS3 } from '../../base/s3-location.ts';
import { findWeights } from '../../onnx/safetensors.ts';
import { architectureOf } from './architectures.ts';
import { readConfig } from './model-folder.ts';

/** What a sequence costs to embed. */
export interface ModelSize {
  dimension: number;
  /** Residues of a window. */
  maxResidues: number;
  /** Returns the multiplications and additions of a sequence. */
  flopsOf(tokens: number): number;
}

/** Tables that are looked up, not multiplied; and what an encoder does not use. */
const NOT_MULTIPLIED =
  /(^|\.)(decoder|lm_head|shared|embed_tokens|word_embeddings|position_embeddings|embed)\.|^encoder\.weight$|relative_attention_bias/;

/**
 * Reads the size of a model from its config.json and the headers of its weights.
 * @param model its folder, local or on S3
 * @throws DataError as for loading it
 */
export async function readModelSize(model: string): Promise<ModelSize> {
  if (!looksLikeS3(model)) return sizeIn(model);
  const { fetchModelHeaders } = await import('../fetch-model.ts');
  return withScratch(tmpdir(), 'lanceflow-model', async (folder) => {
    await fetchModelHeaders(model, folder);
    return sizeIn(folder);
  });
}

async function sizeIn(folder: string): Promise<ModelSize> {
  const config = await readConfig(folder);
  const architecture = architectureOf(config);
  const { tensors } = await findWeights(folder);
  const dimension = config.size(architecture.sizeFields.dimension);
  const layers = config.size(architecture.sizeFields.layers);
  let weights = 0;
  for (const [name, { shape }] of tensors)
    if (shape.length === 2 && !NOT_MULTIPLIED.test(name)) weights += shape[0]! * shape[1]!;
  return {
    dimension,
    maxResidues: architecture.defaults.maxResidues,
    // Each layer also multiplies queries with keys, and the result with values.
    flopsOf: (tokens) => 2 * tokens * weights + layers * 4 * tokens * tokens * dimension,
  };
}
