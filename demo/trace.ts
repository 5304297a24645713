/** The cost of one stage of the pipeline, from Nextflow's trace file. */
export interface StageTime {
  /** EMBED_SEQUENCES, ... */
  process: string;
  tasks: number;
  /** Those of them that came from the cache. */
  cached: number;
  /** Running time of all tasks together, without those from the cache. */
  seconds: number;
}

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Sums Nextflow's trace (tab separated, durations as "1m 3.5s") by process, in the order of their first tasks. */
export function stageTimes(trace: string): StageTime[] {
  const [head = '', ...lines] = trace.trimEnd().split('\n');
  const columns = head.split('\t');
  const [name, status, realtime] = ['name', 'status', 'realtime'].map((column) => columns.indexOf(column));
  const stages = new Map<string, StageTime>();
  for (const cells of lines.map((line) => line.split('\t'))) {
    // "BUILD:EMBED_SEQUENCES (a.fasta)": the workflow, the process, the task's tag.
    const process = cells[name!]!.replace(/ \(.*$/, '').replace(/^.*:/, '');
    const stage = stages.get(process) ?? { process, tasks: 0, cached: 0, seconds: 0 };
    stages.set(process, stage);
    stage.tasks++;
    if (cells[status!] === 'CACHED') stage.cached++;
    else stage.seconds += parseDuration(cells[realtime!]!);
  }
  return [...stages.values()];
}

/** Parses the seconds of "350ms", "2.1s" or "1h 2m 3s"; 0 for "-". */
function parseDuration(text: string): number {
  let ms = 0;
  for (const [, number, unit] of text.matchAll(/([\d.]+)\s*(ms|s|m|h|d)/g)) ms += Number(number) * UNIT_MS[unit!]!;
  return ms / 1000;
}
