import { printableJson } from '../../base/text/printable.ts';

/** A number of a line for CloudWatch. */
export interface CloudFigure {
  name: string;
  unit: 'Count' | 'Seconds' | 'Bytes' | 'Percent';
  value: number;
  /** Metrics are billed; a field can be queried in the logs alone. */
  kind: 'metric' | 'field';
}

const NAMESPACE = 'LanceFlow';
/** Of a dimension's value: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html */
const MAX_VALUE_LENGTH = 1024;

/**
 * Formats metrics as a line in CloudWatch's embedded metric format
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html), from which
 * CloudWatch Logs makes metrics by command and campaign. There is one set of dimensions, because each value of each set is billed.
 * @param properties fields of the line that are neither numbers nor dimensions
 */
export function embeddedMetricsLine(
  figures: readonly CloudFigure[],
  { command, campaign }: { command: string; campaign?: string | undefined },
  properties: Readonly<Record<string, string>>,
  timestampMs: number,
): string {
  const campaignName = campaign && dimensionValue(campaign);
  const metrics = figures.filter(({ kind }) => kind === 'metric');
  return printableJson({
    _aws: {
      Timestamp: timestampMs,
      CloudWatchMetrics: [
        {
          Namespace: NAMESPACE,
          Dimensions: [['Command', ...(campaignName ? ['Campaign'] : [])]],
          Metrics: metrics.map(({ name, unit }) => ({ Name: name, Unit: unit })),
        },
      ],
    },
    ...properties,
    Command: command,
    ...(campaignName ? { Campaign: campaignName } : {}),
    ...Object.fromEntries(figures.map(({ name, value }) => [name, value])),
  });
}

/** Encodes a name as the value of a dimension, which has printable ASCII alone: other letters as in addresses. */
function dimensionValue(name: string): string {
  return name
    .trim()
    .toWellFormed()
    .replace(/[^\x20-\x7e]|^:/gu, (letter) => (letter === ':' ? '%3A' : encodeURIComponent(letter)))
    .slice(0, MAX_VALUE_LENGTH);
}
