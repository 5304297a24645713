import { readFile } from 'node:fs/promises';
import { tableFromIPC } from 'apache-arrow';
import * as h5wasm from 'h5wasm/node';
import { readParquet } from 'parquet-wasm';
import type { FoundHit } from './vectors.ts';

/** A hit or neighbour of a command's output, read with other libraries than LanceFlow's own code. */
export interface WrittenHit extends FoundHit {
  bucket: string;
}

export async function readWrittenHits(path: string): Promise<WrittenHit[]> {
  const table = tableFromIPC(readParquet(await readFile(path)).intoIPCStream());
  const column = <T>(name: string) => [...(table.getChild(name) ?? [])] as T[];
  const [queries, targets, buckets] = ['query_id', 'target_id', 'bucket'].map((name) => column<string>(name));
  return column<number>('distance').map((distance, row) => ({
    query: queries![row]!,
    target: targets![row]!,
    distance,
    bucket: buckets![row]!,
  }));
}

/** Formats hits as a text to compare. */
export function hitsText(hits: readonly WrittenHit[]): string {
  return hits
    .map(({ query, target, distance, bucket }) => JSON.stringify([query, target, distance, bucket]))
    .join('\n');
}

/** Reads the ids of a written shard, each with its vector. */
export async function readWrittenShard(path: string): Promise<Array<{ id: string; vector: string }>> {
  await h5wasm.ready;
  const file = new h5wasm.File(path, 'r');
  try {
    const { value, shape } = file.get('embedding') as unknown as { value: Float32Array; shape: [number, number] };
    const ids = (file.get('id') as unknown as { value: string[] }).value;
    return ids.map((id, i) => {
      const vector = value.slice(i * shape[1], (i + 1) * shape[1]);
      return { id, vector: Buffer.from(vector.buffer).toString('base64') };
    });
  } finally {
    file.close();
  }
}
