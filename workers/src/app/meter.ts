/** Time and memory that this process used, worker threads and native libraries included. */
export interface Usage {
  seconds: number;
  cpuSeconds: number;
  /** Largest resident set since the process started. */
  peakMemoryBytes: number;
}

/** Starts measuring. `read()` returns the usage since then; peak memory counts from the start of the process. */
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
