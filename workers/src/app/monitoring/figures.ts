import type { ProgressState } from '../../base/text/progress-text.ts';
import type { Usage } from '../meter.ts';
import type { S3Usage } from '../usage.ts';
import { LANCEFLOW_VERSION } from '../version.ts';
import type { CloudMetric } from './embedded-metrics.ts';
import type { Metric } from './open-metrics.ts';

/** What is known of a command at one time. */
export interface Figures {
  usage: Usage;
  s3: S3Usage;
  /** The step that began last and has not ended. */
  progress: ProgressState | undefined;
  startedMs: number;
  nowMs: number;
  /** Undefined while the command runs. */
  exitCode: number | undefined;
  /** Of a command that succeeded. */
  rows: number | undefined;
  bytes: number | undefined;
}

/** Returns the metrics of an OpenMetrics file. docs/monitoring.md lists them. */
export function metricsOf({ usage, s3, progress, startedMs, nowMs, exitCode, rows, bytes }: Figures): Metric[] {
  const step: Record<string, string> = progress === undefined ? {} : { step: progress.label };
  const ratio = progress && progress.total > 0 ? Math.min(1, progress.done / progress.total) : undefined;
  return [
    { name: 'lanceflow_build_info', help: 'Version of LanceFlow', value: 1, labels: { version: LANCEFLOW_VERSION } },
    {
      name: 'lanceflow_start_time_seconds',
      unit: 'seconds',
      help: 'When the command began (Unix time)',
      value: startedMs / 1000,
    },
    {
      name: 'lanceflow_update_time_seconds',
      unit: 'seconds',
      help: 'When this file was written (Unix time)',
      value: nowMs / 1000,
    },
    {
      name: 'lanceflow_running',
      help: '1 while the command runs, 0 after its end',
      value: exitCode === undefined ? 1 : 0,
    },
    { name: 'lanceflow_exit_status', help: 'Exit code; absent while the command runs', value: exitCode },
    {
      name: 'lanceflow_duration_seconds',
      unit: 'seconds',
      help: 'Time since the command began, or that it took',
      value: usage.seconds,
    },
    { name: 'lanceflow_cpu_seconds', unit: 'seconds', help: 'CPU time of all threads', value: usage.cpuSeconds },
    {
      name: 'lanceflow_peak_memory_bytes',
      unit: 'bytes',
      help: 'Largest resident memory',
      value: usage.peakMemoryBytes,
    },
    {
      name: 'lanceflow_rows',
      unit: 'rows',
      help: 'Rows that the command wrote, or read if it writes none; at its end',
      value: rows,
    },
    {
      name: 'lanceflow_output_bytes',
      unit: 'bytes',
      help: 'Bytes that the command wrote, or read if it writes none; at its end',
      value: bytes,
    },
    {
      name: 'lanceflow_progress_ratio',
      unit: 'ratio',
      help: 'Part of the current step that is done',
      value: ratio,
      labels: step,
    },
    {
      name: 'lanceflow_progress_left_seconds',
      unit: 'seconds',
      help: 'Estimated remaining time of the current step',
      value: progress?.etaSeconds,
      labels: step,
    },
    { name: 'lanceflow_s3_requests', unit: 'requests', help: 'Requests to S3, retries included', value: s3.requests },
    {
      name: 'lanceflow_s3_retries',
      unit: 'retries',
      help: 'Requests to S3 that were repeated after a fault',
      value: s3.retries,
    },
    {
      name: 'lanceflow_s3_sent_bytes',
      unit: 'bytes',
      help: 'Bytes of bodies that were sent to S3',
      value: s3.sentBytes,
    },
    {
      name: 'lanceflow_s3_received_bytes',
      unit: 'bytes',
      help: 'Bytes of bodies that were received from S3',
      value: s3.receivedBytes,
    },
  ];
}

/**
 * Returns the metrics for CloudWatch. While a command runs, only those of which the largest or the mean is of interest; at its end all, so
 * that their sums over time are those of the commands.
 */
export function cloudMetricsOf({ usage, s3, progress, exitCode, rows, bytes }: Figures): CloudMetric[] {
  const percent = progress && progress.total > 0 ? Math.min(100, (100 * progress.done) / progress.total) : undefined;
  const states: (CloudMetric | undefined)[] = [
    { name: 'PeakMemory', unit: 'Bytes', value: usage.peakMemoryBytes },
    percent === undefined ? undefined : { name: 'Progress', unit: 'Percent', value: percent },
    progress?.etaSeconds === undefined ? undefined : { name: 'TimeLeft', unit: 'Seconds', value: progress.etaSeconds },
  ];
  if (exitCode === undefined) return states.filter((metric) => metric !== undefined);
  const totals: (CloudMetric | undefined)[] = [
    states[0],
    { name: 'Duration', unit: 'Seconds', value: usage.seconds },
    { name: 'CpuTime', unit: 'Seconds', value: usage.cpuSeconds },
    { name: 'Failures', unit: 'Count', value: exitCode === 0 ? 0 : 1 },
    rows === undefined ? undefined : { name: 'Rows', unit: 'Count', value: rows },
    bytes === undefined ? undefined : { name: 'Output', unit: 'Bytes', value: bytes },
    { name: 'S3Requests', unit: 'Count', value: s3.requests },
    { name: 'S3Retries', unit: 'Count', value: s3.retries },
    { name: 'S3Sent', unit: 'Bytes', value: s3.sentBytes },
    { name: 'S3Received', unit: 'Bytes', value: s3.receivedBytes },
  ];
  return totals.filter((metric) => metric !== undefined);
}
