import type { KeptEntry } from './kept-entry.ts';

/** The embedding cache of the pipeline, which its head fills: lib/EmbeddingCache.groovy. */
export interface KeptEmbeddings {
  /** Lists all entries. */
  entries(): Promise<KeptEntry[]>;
  /** Returns the model of an entry, by its report. */
  modelOf(entry: KeptEntry): Promise<string>;
  /** Removes an entry: first its list, so that no run finds a part of it. */
  remove(entry: KeptEntry): Promise<void>;
  /** Lists what killed runs left. */
  leftovers(): Promise<string[]>;
  removeLeftover(path: string): Promise<void>;
}
