/** A measured quantity. Its name ends with its unit, if it has one. */
export interface Metric {
  name: string;
  unit?: string;
  help: string;
  /** Absent: not known yet. */
  value: number | undefined;
  /** Labels of this metric beside those of all. */
  labels?: Readonly<Record<string, string>>;
}

/**
 * Formats metrics as OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/). All are gauges without suffix, so the text is
 * also valid in the older format of Prometheus, which node_exporter reads.
 */
export function openMetricsText(metrics: readonly Metric[], labels: Readonly<Record<string, string>>): string {
  const families = metrics.flatMap(({ name, unit, help, value, labels: own }) => {
    if (value === undefined) return [];
    return [
      `# TYPE ${name} gauge`,
      ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
      `# HELP ${name} ${escapeText(help)}`,
      `${name}${formatLabels({ ...labels, ...own })} ${value}`,
    ];
  });
  return `${[...families, '# EOF'].join('\n')}\n`;
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeText(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** Escapes a text of any characters. A text with half of a surrogate pair would be no UTF-8. */
function escapeText(text: string): string {
  return text.toWellFormed().replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
