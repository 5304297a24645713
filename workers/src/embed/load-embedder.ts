import { checkFilePath } from '../app/file-options.ts';
import { UsageError } from '../base/errors.ts';
import { looksLikeS3 } from '../base/s3-location.ts';
import type { Embedder } from './embedder.ts';
import type { ModelFolderOptions } from './transformer/model-folder.ts';

/**
 * Loads the model that `--model` names: `kmer`, or the folder of a protein language model, here or on S3.
 * @param options of the model; `kmer` has none
 * @throws UsageError where it is empty; DataError where the folder is not a model that LanceFlow knows
 */
export async function loadEmbedder(model: string, options: ModelFolderOptions = {}): Promise<Embedder> {
  if (model === '') throw new UsageError('--model is empty: give "kmer" or the folder of a model.');
  // Loaded on demand: the runtime of the neural models takes a while to start.
  if (looksLikeS3(model)) return loadEmbedder(await (await import('./fetch-model.ts')).fetchModel(model), options);
  if (model !== 'kmer') checkFilePath('--model', model);
  if (model !== 'kmer') return (await import('./transformer/model-folder.ts')).loadModelFolder(model, options);
  if (Object.keys(options).length > 0)
    throw new UsageError('--model kmer has no options of its own: leave them out, or name the folder of a model.');
  return (await import('./kmer/kmer-embedder.ts')).loadKmer();
}
