import { openAsBlob } from 'node:fs';

/** Bytes at the end of a file: the length of its footer, and its signature. */
const END_BYTES = 8;
/** The key under which writers store the Arrow types of their columns, after its length. */
const HINTS_KEY = Buffer.from('\x0cARROW:schema', 'latin1');

/**
 * Opens a Parquet file without the Arrow types of its columns, which its writer stored beside Parquet's own. They only choose between
 * types of the same values, and the Arrow library has not all of them: no large_list, which polars writes, and no string_view.
 * @returns the file with another name for the key of these types, so that decoders do not find them
 */
export async function openWithoutHints(path: string): Promise<Blob> {
  const file = await openAsBlob(path);
  const end = Buffer.from(await file.slice(Math.max(0, file.size - END_BYTES)).arrayBuffer());
  // The decoder reports a file that is too short or has no footer.
  if (end.length < END_BYTES) return file;
  const footerAt = file.size - END_BYTES - end.readUInt32LE(0);
  if (footerAt < 0) return file;
  const footer = Buffer.from(await file.slice(footerAt).arrayBuffer());
  const at = footer.lastIndexOf(HINTS_KEY);
  if (at < 0) return file;
  footer[at + 1] = '-'.charCodeAt(0);
  return new Blob([file.slice(0, footerAt), footer]);
}
