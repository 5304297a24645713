import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { loadModelFolder, type ModelFolderOptions } from '../../../workers/src/embed/transformer/model-folder.ts';
import { ROOT, temporaryFolder } from '../../support/run.ts';

/** Small checkpoints, which checkpoints/make.py made with the authors' own code. */
export const CHECKPOINTS = join(ROOT, 'test/models/checkpoints');

/** Copies a checkpoint, so that a test may change it. @returns its folder */
export async function copyCheckpoint(name: string): Promise<string> {
  const folder = join(await temporaryFolder(), name);
  await cp(join(CHECKPOINTS, name), folder, { recursive: true });
  return folder;
}

/** Loads a model and embeds sequences. */
export async function embedWith(folder: string, sequences: string[], options: ModelFolderOptions = {}) {
  const embedder = await loadModelFolder(folder, options);
  const vectors = await embedder.embed(sequences).finally(() => embedder.close());
  return { vectors, ...embedder };
}
