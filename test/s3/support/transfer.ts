/** A process that can be killed: brings files up or down. Arguments: up|down, address, files (JSON). */
import { openS3 } from '../../../workers/src/s3/client.ts';
import { downloadFiles } from '../../../workers/src/s3/transfer/download.ts';
import { uploadFiles } from '../../../workers/src/s3/transfer/upload.ts';

const [direction, uri, files] = process.argv.slice(2);
const s3 = await openS3(uri!);
const list = JSON.parse(files!);
const onProgress = (bytes: number) => void process.stdout.write(`${bytes}\n`);
await (direction === 'up' ? uploadFiles(s3, list, { onProgress }) : downloadFiles(s3, list, { onProgress }));
process.exit(0);
