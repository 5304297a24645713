/** What one stage of the pipeline took, from Nextflow's trace file. */
export interface StageTime {
  /** EMBED_SEQUENCES, ... */
  process: string;
  tasks: number;
  /** Tasks of these that were not run again. */
  cached: number;
  /** Running time of all tasks together, those from the cache not counted. */
  seconds: number;
}

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Sums Nextflow's trace (tab separated, durations as "1m 3.5s") by process, in the order in which they first ran. */
export function stageTimes(trace: string): StageTime[] {
  const [head = '', ...lines] = trace.trimEnd().split('\n');
  const columns = head.split('\t');
  const [name, status, realtime] = ['name', 'status', 'realtime'].map((column) => columns.indexOf(column));
  const stages = new Map<string, StageTime>();
  for (const cells of lines.map((line) => line.split('\t'))) {
    // "BUILD:EMBED_SEQUENCES (a.fasta)": the workflow, the process, what the task worked on.
    const process = cells[name!]!.replace(/ \(.*$/, '').replace(/^.*:/, '');
    const stage = stages.get(process) ?? { process, tasks: 0, cached: 0, seconds: 0 };
    stages.set(process, stage);
    stage.tasks++;
    if (cells[status!] === 'CACHED') stage.cached++;
    else stage.seconds += parseDuration(cells[realtime!]!);
  }
  return [...stages.values()];
}

/** Seconds of "350ms", "2.1s" or "1h 2m 3s"; 0 for "-". */
function parseDuration(text: string): number {
  let ms = 0;
  for (const [, number, unit] of text.matchAll(/([\d.]+)\s*(ms|s|m|h|d)/g)) ms += Number(number) * UNIT_MS[unit!]!;
  return ms / 1000;
}
