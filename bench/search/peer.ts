import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PYTHON, ROOT } from '../support/run.ts';

/** An answer of the Python process: see peer.py. */
export interface PeerAnswer {
  seconds?: number;
  recall?: number;
  flopsPerSecond?: number;
  peakMemoryBytes?: number;
}

export interface Peer {
  ask(request: Record<string, unknown>): Promise<PeerAnswer>;
  stop(): void;
}

export type PeerMethod = 'gemm' | 'ground-truth' | 'flat' | 'ivfflat' | 'ivfpq';

/** Starts a process for one method, and waits until its index is loaded, or built where it is missing. */
export async function startPeer(method: PeerMethod, folder: string, vectors: string, queries: string): Promise<Peer> {
  const child = spawn(PYTHON, [join(ROOT, 'bench/search/peer.py'), method, folder, vectors, queries], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`the process for ${method} ended`);
    return JSON.parse(value) as PeerAnswer;
  };
  await read();
  return {
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return read();
    },
    stop: () => void child.stdin.end(),
  };
}
