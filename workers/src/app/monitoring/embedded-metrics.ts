import { printableJson } from '../../base/text/printable.ts';

/** A metric of CloudWatch. */
export interface CloudMetric {
  name: string;
  unit: 'Count' | 'Seconds' | 'Bytes' | 'Percent';
  value: number;
}

const NAMESPACE = 'LanceFlow';

/**
 * Formats metrics as a line in CloudWatch's embedded metric format
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html), from which
 * CloudWatch Logs makes metrics by command, and by command and campaign.
 * @param properties fields of the line that are no dimensions
 */
export function embeddedMetricsLine(
  metrics: readonly CloudMetric[],
  { command, campaign }: { command: string; campaign?: string | undefined },
  properties: Readonly<Record<string, string>>,
  timestampMs: number,
): string {
  return printableJson({
    _aws: {
      Timestamp: timestampMs,
      CloudWatchMetrics: [
        {
          Namespace: NAMESPACE,
          Dimensions: [['Command'], ...(campaign ? [['Command', 'Campaign']] : [])],
          Metrics: metrics.map(({ name, unit }) => ({ Name: name, Unit: unit })),
        },
      ],
    },
    ...properties,
    Command: command,
    ...(campaign ? { Campaign: campaign } : {}),
    ...Object.fromEntries(metrics.map(({ name, value }) => [name, value])),
  });
}
