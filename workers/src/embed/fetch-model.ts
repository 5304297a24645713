import { createHash } from 'node:crypto';
import { open, truncate, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { checkFilePath } from '../app/file-options.ts';
import { log } from '../app/progress.ts';
import { writeAt, writeAtomically } from '../base/files/write-atomically.ts';
import { findStats } from '../base/missing-files.ts';
import { formatByteSize } from '../base/text/byte-size.ts';
import { HEADER_LIMIT_BYTES } from '../onnx/safetensors.ts';
import { openS3, type S3Bucket } from '../s3/client.ts';
import { listObjects, type S3Object } from '../s3/objects.ts';
import { fetchBlocks, readRange } from '../s3/ranges/range.ts';
import { missingModelFile, modelChanged } from './embed-messages.ts';

/** Files of a model; the folder may also have weights in other formats. */
const MODEL_FILE = /^[^./][^/]*\.(json|txt|model|safetensors)$/i;
/** Those that tell its size. */
const SIZED_FILE = /^config\.json$|\.safetensors(\.index\.json)?$/;

/**
 * Fetches a model from S3 to a local folder, once: objects with the same names, sizes and ETags are not fetched again. A killed fetch
 * resumes at its current file; many processes may fetch at once.
 * @param uri address of the model folder
 * @param root the folder of fetched models; default: LANCEFLOW_MODELS, or `lanceflow/models` in the user's cache folder
 * @returns the folder
 * @throws UsageError if LANCEFLOW_MODELS is an address
 * @throws DataError if the folder has no model
 * @throws TransientError if the model changes meanwhile, or a fault persists
 */
export async function fetchModel(uri: string, root = modelsFolder()): Promise<string> {
  const s3 = await openS3(uri);
  const objects = await listModel(s3);
  const folder = join(root, identityOf(objects));
  for (const object of objects) await fetchObject(s3, object, join(folder, object.path));
  if (identityOf(await listModel(s3)) !== identityOf(objects)) throw modelChanged(s3.uri);
  return folder;
}

/**
 * Fetches what tells the size of a model on S3: config.json, and the headers of its weights in sparse files of their size.
 * @param uri address of the model folder
 * @param folder an empty one, which gets the files
 * @throws as `fetchModel`
 */
export async function fetchModelHeaders(uri: string, folder: string): Promise<void> {
  const s3 = await openS3(uri);
  for (const { path, bytes } of await listModel(s3)) {
    if (!SIZED_FILE.test(path)) continue;
    const content = Buffer.alloc(path.endsWith('.json') ? bytes : await headerBytes(s3, path, bytes));
    if (content.length > 0) await readRange(s3, path, 0, content.length, content);
    await writeFile(join(folder, path), content);
    await truncate(join(folder, path), bytes);
  }
}

/** Reads how many bytes of a file of weights describe them. A header that is too long is refused when the file is opened. */
async function headerBytes(s3: S3Bucket, path: string, bytes: number): Promise<number> {
  const prefix = Buffer.alloc(8);
  if (bytes < prefix.length) return 0;
  await readRange(s3, path, 0, prefix.length, prefix);
  const length = Number(prefix.readBigUInt64LE());
  return length > HEADER_LIMIT_BYTES ? prefix.length : Math.min(bytes, prefix.length + length);
}

/** @throws UsageError if LANCEFLOW_MODELS is an address */
function modelsFolder(): string {
  const folder = process.env.LANCEFLOW_MODELS || undefined;
  if (folder !== undefined) checkFilePath('LANCEFLOW_MODELS', folder);
  return folder ?? join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lanceflow', 'models');
}

async function listModel(s3: S3Bucket): Promise<S3Object[]> {
  const objects = (await Array.fromAsync(listObjects(s3, ''))).filter(({ path }) => MODEL_FILE.test(path));
  if (objects.some(({ path }) => path === 'config.json')) return objects;
  throw missingModelFile(s3.uri, 'config.json');
}

/** Identifies a model by its objects, not by its address, so that a moved or copied model is not fetched again. */
function identityOf(objects: readonly S3Object[]): string {
  const parts = objects.map(({ path, bytes, etag }) => [path, bytes, etag]);
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

async function fetchObject(s3: S3Bucket, { path, bytes }: S3Object, target: string): Promise<void> {
  if ((await findStats(target))?.size === bytes) return;
  log(`fetching ${s3.uri}/${path} (${formatByteSize(bytes)})`);
  await writeAtomically(target, async (temporary) => {
    const file = await open(temporary, 'wx');
    try {
      await fetchBlocks(s3, path, 0, bytes, (block, position) => writeAt(file, block, position));
    } finally {
      await file.close();
    }
  });
}
