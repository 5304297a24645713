import { workerData } from 'node:worker_threads';
import { countInto } from '../../app/usage.ts';
import { serveRequests } from '../../base/threads/serve-requests.ts';
import { closeS3, openS3 } from '../client.ts';
import { transferTasks } from './transfer-tasks.ts';

/** What a thread is started with. It finds endpoint and credentials as its process does, in the environment. */
export interface TransferThread {
  uri: string;
  /** See `countInto`. */
  usage: SharedArrayBuffer;
  /** Tasks at once. */
  concurrency: number;
}

const { uri, usage, concurrency } = workerData as TransferThread;
countInto(usage);
const tasks = transferTasks(await openS3(uri));
// One more, for `stop`.
serveRequests(tasks, { concurrency: concurrency + 1, onClose: closeS3 });
