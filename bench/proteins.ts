/**
 * Searches of real proteins whose answers are known, by LanceFlow, MMseqs2 and DIAMOND: docs/protein-benchmark.md. Sequences and peers are
 * those of Debian, labels are in bench/proteins/labels/ (made by bench/proteins/make-labels.ts).
 *
 *   npm run bench -- proteins [--tasks uniprot,shuffled,pfam,orthologs] [--model DIR]... [--rounds 3]
 *       [--systems lanceflow,mmseqs2,diamond] [--prokka DIR] [--folder DIR] [--save]
 *   npm run bench -- proteins --page       rewrites the tables in docs/ from bench/results/proteins.json
 *
 * Prints one JSON object with the tasks by name. --save replaces the saved result of these tasks.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareDistances } from './proteins/distances.ts';
import { proteinTables } from './proteins/page.ts';
import type { ProteinsResult } from './proteins/result.ts';
import { formatFasta } from './proteins/sequences.ts';
import { DEBIAN, Sources } from './proteins/sources.ts';
import { type Answer, diamond, lanceflow, mmseqs2, runSystem, type System } from './proteins/systems.ts';
import { TASKS, type Task } from './proteins/tasks.ts';
import { insertTables } from './support/markdown.ts';
import { ROOT, say, spread, withFolder } from './support/run.ts';

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: Object.keys(TASKS).join() },
    systems: { type: 'string', default: 'lanceflow,mmseqs2,diamond' },
    model: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: '1' },
    mmseqs2: { type: 'string', default: DEBIAN.mmseqs2 },
    hmmer: { type: 'string', default: DEBIAN.hmmer },
    prokka: { type: 'string', default: DEBIAN.prokka },
    folder: { type: 'string' },
    page: { type: 'boolean', default: false },
  },
});

if (values.page) await writePages();
else await withFolder(values.folder, measureTasks);

async function measureTasks(folder: string): Promise<void> {
  const sources = await Sources.open(values);
  const result: Record<string, unknown> = {};
  for (const name of values.tasks.split(',')) {
    const task = await requireNamed(TASKS, '--tasks', name)(sources);
    result[name] = await measureTask(name, task, join(folder, name));
  }
  console.log(JSON.stringify(result, null, 2));
}

/** Runs all systems in turn, round by round, so that other load on the machine affects all of them. */
async function measureTask(name: string, task: Task, folder: string) {
  await mkdir(folder, { recursive: true });
  const inputs = { queries: join(folder, 'queries.fasta'), targets: join(folder, 'targets.fasta') };
  await writeFile(inputs.queries, formatFasta(task.queries));
  await writeFile(inputs.targets, formatFasta(task.targets));
  const [rounds, targetCount] = [Number(values.rounds), task.targets.length];
  const answers: Answer[] = [];
  for (let round = 1; round <= rounds; round++)
    for (const system of chosenSystems()) {
      const found = await runSystem(
        system,
        { ...inputs, targetCount, evalue: task.evalue, aligned: task.aligned },
        join(folder, 'system'),
      );
      for (const { system: title, search } of found)
        say(`${name}, round ${round}: ${title}: ${search.cpuSeconds.toFixed(1)} CPU-seconds`);
      answers.push(...found);
    }
  const bySystem = [...Map.groupBy(answers, ({ system }) => system).values()];
  return {
    ...{ queries: task.queries.length, targets: targetCount, rounds, sizes: task.sizes },
    rows: bySystem.map((same) => ({
      system: same[0]!.system,
      build: medianCost(same.map(({ build }) => build)),
      search: medianCost(same.map(({ search }) => search)),
      scores: task.score(same[0]!.rankings, same[0]!.kept),
    })),
    ...(name === 'uniprot' && distancesOf(answers)),
  };
}

function chosenSystems(): System[] {
  const models: [string, string][] = [
    ['kmer', 'kmer'],
    ...values.model.map((path) => [basename(path), path] as [string, string]),
  ];
  const known: Record<string, System[]> = {
    lanceflow: models.map(([name, path]) => lanceflow(name, path)),
    mmseqs2: [mmseqs2],
    diamond: [diamond],
  };
  return values.systems.split(',').flatMap((name) => requireNamed(known, '--systems', name));
}

function requireNamed<T>(known: Readonly<Record<string, T>>, option: string, name: string): T {
  if (Object.hasOwn(known, name)) return known[name]!;
  throw new Error(`${option} ${name}: known are ${Object.keys(known).join()}`);
}

/** The distances of kmer, where MMseqs2 was run to tell homologs. */
function distancesOf(answers: readonly Answer[]) {
  const rankingsOf = (name: string) => answers.find(({ system }) => system.startsWith(name))?.rankings;
  const [nearest, homologs] = [rankingsOf('LanceFlow kmer'), rankingsOf('MMseqs2')];
  return nearest && homologs && { distances: compareDistances(nearest, homologs) };
}

function medianCost(costs: readonly Answer['build'][]) {
  return {
    seconds: spread(costs.map(({ seconds }) => seconds)).median,
    cpuSeconds: spread(costs.map(({ cpuSeconds }) => cpuSeconds)).median,
  };
}

async function writePages(): Promise<void> {
  const result = JSON.parse(await readFile(join(ROOT, 'bench/results/proteins.json'), 'utf8')) as ProteinsResult;
  for (const [page, tables] of Object.entries(proteinTables(result))) {
    const path = join(ROOT, 'docs', page);
    await writeFile(path, insertTables(await readFile(path, 'utf8'), 'proteins', tables));
  }
}
