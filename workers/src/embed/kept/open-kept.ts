import { looksLikeS3 } from '../../base/s3-location.ts';
import { noCache } from '../embed-messages.ts';
import type { KeptEmbeddings } from './kept-embeddings.ts';
import { openKeptFolder } from './kept-in-folder.ts';

/** Opens an embedding cache: a folder, or an s3:// prefix. @throws DataError if there is none */
export async function openKept(uri: string): Promise<KeptEmbeddings> {
  if (looksLikeS3(uri)) return (await import('./kept-on-s3.ts')).openKeptOnS3(uri);
  const kept = await openKeptFolder(uri);
  if (!kept) throw noCache(uri);
  return kept;
}
