/** What a stretch of work cost this process, worker threads and native libraries included. */
export interface Usage {
  seconds: number;
  cpuSeconds: number;
  /** Largest resident set since the process started. */
  peakMemoryBytes: number;
}

/** Starts measuring; `read()` gives the cost since then (peak memory: since the process started). */
export function startMeter(): { read(): Usage } {
  const startedMs = performance.now();
  const startedCpu = process.cpuUsage();
  return {
    read() {
      const cpu = process.cpuUsage(startedCpu);
      return {
        seconds: (performance.now() - startedMs) / 1000,
        cpuSeconds: (cpu.user + cpu.system) / 1e6,
        peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      };
    },
  };
}
