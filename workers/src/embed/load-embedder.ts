import { checkFilePath } from '../app/file-options.ts';
import { UsageError } from '../base/errors.ts';
import { looksLikeS3 } from '../base/s3-location.ts';
import { emptyModel, kmerOptions } from './embed-messages.ts';
import type { Embedder } from './embedder.ts';
import type { ModelFolderOptions } from './transformer/model-folder.ts';

/**
 * Loads the model of `--model`: `kmer`, or the folder of a protein language model, local or on S3.
 * @param options of the model; `kmer` has none
 * @throws UsageError if `model` is empty; DataError if the folder is not a supported model
 */
export async function loadEmbedder(model: string, options: ModelFolderOptions = {}): Promise<Embedder> {
  if (model === '') throw new UsageError(emptyModel);
  // Imported on demand, because ONNX Runtime starts slowly.
  if (looksLikeS3(model)) return loadEmbedder(await (await import('./fetch-model.ts')).fetchModel(model), options);
  if (model !== 'kmer') checkFilePath('--model', model);
  if (model !== 'kmer') return (await import('./transformer/model-folder.ts')).loadModelFolder(model, options);
  if (Object.keys(options).length > 0) throw new UsageError(kmerOptions);
  return (await import('./kmer/kmer-embedder.ts')).loadKmer();
}
