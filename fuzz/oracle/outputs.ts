import { readFile } from 'node:fs/promises';
import { tableFromIPC } from 'apache-arrow';
import { readParquet } from 'parquet-wasm';
import type { FoundHit } from './vectors.ts';

/** A hit or neighbour of a file that a command wrote; read with other libraries than LanceFlow's own code. */
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

/** Hits as text that can be compared. */
export function hitsText(hits: readonly WrittenHit[]): string {
  return hits
    .map(({ query, target, distance, bucket }) => JSON.stringify([query, target, distance, bucket]))
    .join('\n');
}
