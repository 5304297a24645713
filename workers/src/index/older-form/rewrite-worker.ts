import { workerData } from 'node:worker_threads';
import { serveRequests } from '../../base/threads/serve-requests.ts';
import { type IndexPartitions, OlderFactors, type PartitionRows } from './older-factors.ts';

let opening: Promise<OlderFactors | undefined> | undefined;

const methods = {
  async rewrite(rows: PartitionRows): Promise<void> {
    opening ??= OlderFactors.open(workerData as IndexPartitions);
    // Not undefined: the layout was checked before the threads were started.
    await (await opening)!.rewrite(rows);
  },
};
export type RewriteMethods = typeof methods;

serveRequests(methods, { onClose: async () => (await opening)?.close() });
