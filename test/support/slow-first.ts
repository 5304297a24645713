import { readFile } from 'node:fs/promises';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Takes about three times as long as any other file. */
const LONGEST = /\/test\/containers\//;
const SLOW = /^\/\/ @module-tag slow$/m;

/** Starts the longest files first, so that no worker is idle while another one is in the middle of such a file. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const ranks = await Promise.all(sorted.map(({ moduleId }) => rankOf(moduleId)));
    const rankAt = new Map(sorted.map((file, i) => [file, ranks[i]!]));
    return sorted.sort((a, b) => rankAt.get(a)! - rankAt.get(b)!);
  }
}

async function rankOf(path: string): Promise<number> {
  if (LONGEST.test(path)) return 0;
  return SLOW.test(await readFile(path, 'utf8')) ? 1 : 2;
}
