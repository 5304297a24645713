/** One run of LanceFlow's embedder for bench/embed.ts: model folder, FASTA, precision, threads, output. */
import { readFile, writeFile } from 'node:fs/promises';
import type { Precision } from '../workers/src/embed/transformer/graph-weights.ts';
import { loadModelFolder } from '../workers/src/embed/transformer/model-folder.ts';

const [folder, fasta, precision, threads, output] = process.argv.slice(2) as [
  string,
  string,
  Precision,
  string,
  string,
];
const startedMs = performance.now();
const embedder = await loadModelFolder(folder, { precision, threads: Number(threads) });
const loadedMs = performance.now();
const text = await readFile(fasta, 'utf8');
const sequences = text
  .split('>')
  .slice(1)
  .map((record) => record.slice(record.indexOf('\n')).replaceAll('\n', ''));
const vectors = await embedder.embed(sequences);
const doneMs = performance.now();
const residentBytes = process.memoryUsage.rss();
await embedder.close();
await writeFile(output, new Uint8Array(vectors.buffer));
const report = {
  loadSeconds: (loadedMs - startedMs) / 1000,
  seconds: (doneMs - loadedMs) / 1000,
  peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
  residentBytes,
};
process.stdout.write(JSON.stringify(report), () => process.exit(0));
