import type { ProgressState } from '../../base/text/progress-text.ts';
import type { Usage } from '../meter.ts';
import type { S3Usage } from '../usage.ts';
import { LANCEFLOW_VERSION } from '../version.ts';
import type { CloudFigure } from './embedded-metrics.ts';
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
 * Returns the numbers for CloudWatch. While a command runs, only those of which the largest is of interest; at its end all, so that their
 * sums over time are those of the commands. What needs no graph is a field, which costs no more than the line.
 */
export function cloudFiguresOf({ usage, s3, progress, exitCode, rows, bytes }: Figures): CloudFigure[] {
  const peakMemory: CloudFigure = { name: 'PeakMemory', unit: 'Bytes', value: usage.peakMemoryBytes, kind: 'metric' };
  if (exitCode === undefined) {
    const percent = progress && progress.total > 0 ? Math.min(100, (100 * progress.done) / progress.total) : undefined;
    return [
      peakMemory,
      ...known({ name: 'Progress', unit: 'Percent', value: percent, kind: 'field' }),
      ...known({ name: 'TimeLeft', unit: 'Seconds', value: progress?.etaSeconds, kind: 'field' }),
    ];
  }
  return [
    peakMemory,
    { name: 'Duration', unit: 'Seconds', value: usage.seconds, kind: 'metric' },
    { name: 'CpuTime', unit: 'Seconds', value: usage.cpuSeconds, kind: 'metric' },
    { name: 'Failures', unit: 'Count', value: exitCode === 0 ? 0 : 1, kind: 'metric' },
    ...known({ name: 'Rows', unit: 'Count', value: rows, kind: 'metric' }),
    ...known({ name: 'Output', unit: 'Bytes', value: bytes, kind: 'metric' }),
    // A metric that is always 0 is billed like any other.
    ...known({ name: 'S3Requests', unit: 'Count', value: s3.requests || undefined, kind: 'metric' }),
    { name: 'S3Retries', unit: 'Count', value: s3.retries, kind: 'field' },
    { name: 'S3Sent', unit: 'Bytes', value: s3.sentBytes, kind: 'field' },
    { name: 'S3Received', unit: 'Bytes', value: s3.receivedBytes, kind: 'field' },
  ];
}

function known({ value, ...figure }: Omit<CloudFigure, 'value'> & { value: number | undefined }): CloudFigure[] {
  return value === undefined ? [] : [{ ...figure, value }];
}
