import type { Line, Saved } from './result.ts';

const WIDTH = 460;
const HEIGHT = 320;
const MARGIN = { left: 62, right: 16, top: 34, bottom: 44 };
const LEGEND = 200;
/** LanceFlow in blue and red, FAISS in green, LanceDB in orange. */
const COLOURS: Readonly<Record<string, string>> = {
  'FAISS Flat': '#1b5e3b',
  'FAISS IVFFlat': '#2a9d5c',
  'FAISS IVFPQ + refine': '#8fce9f',
  'LanceDB in flight': '#e08e1b',
  'LanceDB multi-vector': '#a3562b',
  'LanceDB one by one': '#f2c078',
  'LanceFlow ann': '#7aa7d9',
  'LanceFlow auto': '#8c5fbf',
  'LanceFlow exact': '#d1495b',
  'LanceFlow scan': '#1f4fb4',
};

/** Returns the measurements as a page of documentation: a plot and tables. */
export function searchPage(saved: Saved): string {
  const { rows, dimension, index, gemmFlopsPerSecond, machine, node, date, commands } = saved;
  const tables = panelsOf(saved.lines).map(
    ({ queries, k, lines }) =>
      `## ${number(queries)} queries, k = ${number(k)}\n\n` +
      '| system | nprobes | recall | queries/s | lowest to highest | peak memory | of GEMM | |\n' +
      '|---|---:|---:|---:|---:|---:|---:|---|\n' +
      lines.map(tableRow).join(''),
  );
  return `# Searching: LanceFlow beside LanceDB and FAISS

Written by the benchmark; do not edit.

One bucket of ${number(rows)} vectors of ${dimension} components (clustered, seeded), index \`${index}\`, on
${machine}, Node ${node.replace(/^v/, '')}, ${date}. numpy's matrix product reaches
${(gemmFlopsPerSecond.median / 1e9).toFixed(0)} GFLOP/s there.

- FAISS holds all vectors in memory; its times are those of the search alone.
- LanceFlow reads the vectors from its files (in the page cache); its times run from the opened table to the written hits.
- LanceDB's rates are measured with 500 queries.
- Recall@k is measured against the ground truth.

The commands:

${commands.map((command) => `    ${command}\n`).join('')}
![Queries a second against recall](search-benchmark.svg)

${tables.join('\n')}`;
}

function tableRow(line: Line): string {
  const { system, nprobes, recall, queriesPerSecond: rate, peakMemoryBytes, gemmShare, mode } = line;
  const cells = [
    ...[system, nprobes === 0 ? 'all' : `${nprobes}`, recall.toFixed(4), number(rate.median)],
    ...[`${number(rate.min)} to ${number(rate.max)}`, `${number(peakMemoryBytes / 1e6)} MB`],
    ...[gemmShare === undefined ? '' : `${(100 * gemmShare).toFixed(0)}%`, mode ? autoNote(line) : ''],
  ];
  return `| ${cells.join(' | ')} |\n`;
}

function autoNote({ mode, expectedSeconds, seconds, timesTheBest }: Line): string {
  const times = timesTheBest === undefined ? '' : `; ${timesTheBest.toFixed(2)} times the time of the quickest`;
  const estimate = expectedSeconds === undefined ? '' : `, estimated ${expectedSeconds.toFixed(1)} s`;
  return `chose \`${mode}\`${estimate}, took ${seconds!.toFixed(1)} s${times}`;
}

interface Panel {
  queries: number;
  k: number;
  lines: Line[];
}

/** Groups lines by number of queries and k. LanceDB, measured with fewer queries, appears in every group of its k. */
function panelsOf(lines: readonly Line[]): Panel[] {
  const own = lines.filter(({ system }) => !system.startsWith('LanceDB'));
  const groups = Map.groupBy(own.length > 0 ? own : lines, ({ queries, k }) => JSON.stringify([k, queries]));
  return [...groups.values()]
    .map((group): Panel => {
      const { queries, k } = group[0]!;
      const beside = own.length > 0 ? lines.filter((line) => line.system.startsWith('LanceDB') && line.k === k) : [];
      return { queries, k, lines: [...group, ...beside] };
    })
    .sort((a, b) => a.k - b.k || a.queries - b.queries);
}

/** Returns a plot of all measurements as SVG: a panel for each number of queries and k. */
export function searchPlot({ lines }: Pick<Saved, 'lines'>): string {
  const panels = panelsOf(lines);
  const systems = [...new Set(lines.map(({ system }) => system))].sort();
  const columns = Math.min(2, Math.max(1, panels.length));
  const width = columns * WIDTH + LEGEND;
  const height = Math.max(1, Math.ceil(panels.length / columns)) * HEIGHT;
  const body = panels.map((panel, i) =>
    drawPanel(panel, systems, (i % columns) * WIDTH, Math.floor(i / columns) * HEIGHT),
  );
  const legend = systems.map((system, i) => {
    const y = 40 + i * 20;
    return `<circle cx="${width - LEGEND + 8}" cy="${y - 4}" r="4" fill="${colour(system)}"/><text x="${width - LEGEND + 18}" y="${y}">${system}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12" fill="#222">
<rect width="${width}" height="${height}" fill="#fff"/>
${[...body, ...legend].join('\n')}
</svg>
`;
}

function drawPanel({ queries, k, lines }: Panel, systems: readonly string[], left: number, top: number): string {
  const rates = lines.map(({ queriesPerSecond }) => queriesPerSecond.median);
  const low = Math.floor(Math.log10(Math.min(...rates)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...rates))));
  const least = Math.floor(Math.min(...lines.map(({ recall }) => recall)) * 20) / 20;
  const from = Math.min(0.95, least);
  const plotWidth = WIDTH - MARGIN.left - MARGIN.right;
  const plotHeight = HEIGHT - MARGIN.top - MARGIN.bottom;
  const x = (recall: number) => (left + MARGIN.left + ((recall - from) / (1 - from)) * plotWidth).toFixed(1);
  const y = (rate: number) =>
    (top + MARGIN.top + plotHeight * (1 - (Math.log10(rate) - low) / (high - low))).toFixed(1);
  const grid = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)).map(
    (rate) =>
      `<line x1="${x(from)}" x2="${x(1)}" y1="${y(rate)}" y2="${y(rate)}" stroke="#ddd"/><text x="${left + MARGIN.left - 6}" y="${Number(y(rate)) + 4}" text-anchor="end">${number(rate)}</text>`,
  );
  const ticks = Array.from({ length: 6 }, (_, i) => from + ((1 - from) * i) / 5).map(
    (recall) =>
      `<line x1="${x(recall)}" x2="${x(recall)}" y1="${y(10 ** low)}" y2="${y(10 ** high)}" stroke="#eee"/><text x="${x(recall)}" y="${top + HEIGHT - MARGIN.bottom + 16}" text-anchor="middle">${recall.toFixed(2)}</text>`,
  );
  const curves = systems.map((system) => {
    const points = lines.filter((line) => line.system === system).sort((a, b) => a.recall - b.recall);
    const at = points.map(({ recall, queriesPerSecond: { median } }) => [x(recall), y(median)] as const);
    const path = `<polyline points="${at.map((point) => point.join()).join(' ')}" fill="none" stroke="${colour(system)}" stroke-width="1.5"/>`;
    const dots = at.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour(system)}"/>`);
    return points.length === 0 ? '' : path + dots.join('');
  });
  return `<text x="${left + MARGIN.left}" y="${top + 20}" font-weight="bold">${number(queries)} queries, k = ${number(k)}</text>
<text x="${left + MARGIN.left + plotWidth / 2}" y="${top + HEIGHT - 10}" text-anchor="middle">recall@${number(k)}</text>
<text transform="translate(${left + 14} ${top + MARGIN.top + plotHeight / 2}) rotate(-90)" text-anchor="middle">queries a second</text>
${grid.join('')}${ticks.join('')}${curves.join('')}`;
}

const colour = (system: string) => COLOURS[system] ?? '#777';
const number = (value: number) => Math.round(value).toLocaleString('en-US');
