/**
 * A handler as in a Lambda: opens a bucket in place, and answers the cases of a file of queries again and again. Prints one JSON object.
 *
 *   node bench/ask/handler.ts DATABASE BUCKET QUERIES CASES RUNS
 *
 * CASES: `[{"k": 10, "queries": 1, ...settings}]`; with `withIds` the results have the ids that each query found. The first run opens the bucket, RUNS more find it open; each has other queries.
 */
const startedMs = performance.now();
const { Database } = await import('../../workers/src/database/database.ts');
const { askBucket } = await import('../../workers/src/search/in-place/ask-bucket.ts');
const { loadVectors } = await import('../../workers/src/import/load-vectors.ts');
const { checkAskSettings, MOST_QUERIES } = await import('../../workers/src/search/in-place/ask-settings.ts');
const { columnText } = await import('../../workers/src/base/bytes/utf8-column.ts');
const { openWarmBucket } = await import('../../workers/src/search/in-place/warm-buckets.ts');
await import('@lancedb/lancedb');
const importMs = performance.now() - startedMs;

const [uri = '', bucketName = '', path = '', cases = '[]', runs = '1'] = process.argv.slice(2);
const all = await loadVectors([path], {}, MOST_QUERIES, console.error);
const { dimension } = all;
const results = [];
for (const { queries: count, withIds, ...settings } of JSON.parse(cases)) {
  const times = [];
  const phases = [];
  const found: Record<string, string[]> = {};
  let hits = 0;
  for (let run = 0; run <= Number(runs); run++) {
    const first = (run * count) % (all.ids.length - count + 1);
    const ids = all.ids.slice(first, first + count);
    const vectors = all.vectors.slice(first * dimension, (first + count) * dimension);
    const beginMs = performance.now();
    using bucket = await openWarmBucket(await Database.open(uri), bucketName);
    const answer = await askBucket(bucket, { ...all, ids, vectors }, checkAskSettings(settings));
    times.push(performance.now() - beginMs);
    phases.push(answer.cost);
    const { queryIds, targetIds, distances } = answer.hits;
    hits = distances.length;
    for (let hit = 0; withIds && hit < hits; hit++) {
      found[columnText(queryIds, hit)] ??= [];
      found[columnText(queryIds, hit)]!.push(columnText(targetIds, hit));
    }
  }
  results.push({ ...settings, queries: count, hits, milliseconds: times, costs: phases, ...(withIds && { found }) });
}
const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
// A pipe is written in the background.
const text = JSON.stringify({ startMs: startedMs, importMs, peakMemoryBytes, results });
process.stdout.write(text, () => process.exit(0));
