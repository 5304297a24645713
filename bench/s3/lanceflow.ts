/** Publishes or fetches a table as INGEST_BUCKET and SEARCH_BUCKET do. lanceflow.ts up|down s3://... FOLDER CATALOG [THREADS] */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { s3Usage } from '../../workers/src/app/usage.ts';
import { openS3 } from '../../workers/src/s3/client.ts';
import { downloadFiles } from '../../workers/src/s3/transfer/download.ts';
import { uploadFiles } from '../../workers/src/s3/transfer/upload.ts';

const [direction, uri, folder, catalog, count] = process.argv.slice(2) as [string, string, string, string, string?];
const options = count === undefined ? {} : { threads: Number(count) };
// CATALOG stands for the database's catalog: sizes and checksums, which `up` writes and `down` reads.
const s3 = await openS3(uri);
if (direction === 'up') {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const sent = await uploadFiles(
    s3,
    paths.map((path) => ({ key: path.slice(folder.length + 1), path })),
    options,
  );
  await writeFile(catalog, JSON.stringify(sent));
} else {
  const files = JSON.parse(await readFile(catalog, 'utf8')) as { key: string; bytes: number; checksum: string }[];
  await downloadFiles(
    s3,
    files.map((file) => ({ ...file, path: join(folder, file.key) })),
    options,
  );
  for (const file of files) await stat(join(folder, file.key));
}
process.stdout.write(`${JSON.stringify(s3Usage())}\n`);
process.exit(0);
