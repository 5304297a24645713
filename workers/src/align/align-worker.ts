import { workerData } from 'node:worker_threads';
import { serveRequests } from '../base/threads/serve-requests.ts';
import { WithTransfer } from '../base/threads/thread-messages.ts';
import { neighbourBuffers } from '../hits/columns.ts';
import { type AlignChunkSettings, type AlignedChunk, alignChunk, type Chunk } from './align-columns.ts';
import { LocalAligner } from './local/local-aligner.ts';

const aligner = new LocalAligner();

const methods = {
  align(chunk: Chunk): WithTransfer<AlignedChunk> {
    const aligned = alignChunk(aligner, chunk, workerData as AlignChunkSettings);
    const { texts } = aligned;
    return new WithTransfer(aligned, neighbourBuffers(aligned.neighbours, [texts?.sequence, texts?.description]));
  },
};

export type AlignMethods = typeof methods;

serveRequests(methods);
