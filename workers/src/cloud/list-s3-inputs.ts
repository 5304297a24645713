import { formatS3Uri, parseS3Uri } from '../base/s3-location.ts';
import { openS3 } from '../s3/client.ts';
import { listObjects } from '../s3/objects.ts';

/**
 * Lists the objects at an address: those directly in a folder, or the object itself.
 * @returns their addresses and sizes; none where there is neither
 * @throws UserError for an address that is malformed, or cannot be listed
 */
export async function listS3Inputs(uri: string): Promise<{ path: string; bytes: number }[]> {
  const { bucket, prefix } = parseS3Uri(uri);
  const inFolder = await listIn({ bucket, prefix }, '', (path) => path !== '' && !path.includes('/'));
  if (inFolder.length > 0 || prefix === '') return inFolder;
  const [name, ...folders] = prefix.split('/').reverse() as [string, ...string[]];
  return listIn({ bucket, prefix: folders.reverse().join('/') }, name, (path) => path === name);
}

async function listIn(
  location: { bucket: string; prefix: string },
  start: string,
  isWanted: (path: string) => boolean,
) {
  const s3 = await openS3(formatS3Uri(location));
  const found: { path: string; bytes: number }[] = [];
  for await (const { path, bytes } of listObjects(s3, start))
    if (isWanted(path)) found.push({ path: formatS3Uri(location, path), bytes });
  return found;
}
