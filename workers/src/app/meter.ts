import { readFileSync } from 'node:fs';

/** Time, memory, and bytes of files that this process used, worker threads and native libraries included. */
export interface Usage {
  seconds: number;
  cpuSeconds: number;
  /** Largest resident set since the process started. */
  peakMemoryBytes: number;
  /** Bytes that the process read through the kernel, also from its cache; undefined where the system does not count them. */
  bytesRead?: number;
  bytesWritten?: number;
}

/** Starts measuring. `read()` returns the usage since then; peak memory counts from the start of the process. */
export function startMeter(): { read(): Usage } {
  const startedMs = performance.now();
  const startedCpu = process.cpuUsage();
  const startedFiles = fileUsage();
  return {
    read() {
      const cpu = process.cpuUsage(startedCpu);
      const files = fileUsage();
      return {
        seconds: (performance.now() - startedMs) / 1000,
        cpuSeconds: (cpu.user + cpu.system) / 1e6,
        peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
        ...(startedFiles && files
          ? { bytesRead: files.read - startedFiles.read, bytesWritten: files.written - startedFiles.written }
          : {}),
      };
    },
  };
}

/**
 * Reads Linux's counts of the bytes of this process's system calls; undefined on other systems.
 * @see https://man7.org/linux/man-pages/man5/proc_pid_io.5.html
 */
function fileUsage(): { read: number; written: number } | undefined {
  try {
    const text = readFileSync('/proc/self/io', 'utf8');
    const count = (name: string) => Number(text.match(new RegExp(`^${name}: (\\d+)$`, 'm'))![1]);
    return { read: count('rchar'), written: count('wchar') };
  } catch {
    return undefined;
  }
}
