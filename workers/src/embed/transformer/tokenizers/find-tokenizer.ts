import { join } from 'node:path';
import { systemErrorCode } from '../../../base/errors.ts';
import { missingModelFile } from '../../embed-messages.ts';
import type { Architecture } from '../architecture.ts';
import type { ModelConfig } from '../config.ts';
import { type ModelDocument, readDocument } from '../read-document.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * Reads the tokenizer of a model folder: the first of the architecture's formats whose file exists.
 * @returns it, and the files that belong to the identity of the model. Additions do not, because their number follows from the
 *   other files, and a folder may have them in one file or another.
 * @throws DataError if there is none, or it contradicts config.json
 */
export async function findTokenizer(
  folder: string,
  { tokenizers, builtInTokenizer }: Architecture,
  config: ModelConfig,
): Promise<{ tokenizer: Tokenizer; files: string[] }> {
  for (const { file, additions = [], parse } of tokenizers) {
    const main = await findDocument(join(folder, file));
    if (!main) continue;
    const found = await Promise.all(additions.map((name) => findDocument(join(folder, name))));
    const documents = [main, ...found.filter((document) => document !== undefined)] as const;
    return { tokenizer: parse(documents, config), files: [main.path] };
  }
  if (builtInTokenizer) return { tokenizer: builtInTokenizer(config), files: [] };
  throw missingModelFile(folder, tokenizers.map(({ file }) => file).join(' or '));
}

async function findDocument(path: string): Promise<ModelDocument | undefined> {
  return readDocument(path).catch((error: unknown) => {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    return undefined;
  });
}
