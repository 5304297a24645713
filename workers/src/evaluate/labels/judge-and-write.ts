import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { CommandContext } from '../../app/command.ts';
import { requireWhole } from '../../app/option-checks.ts';
import { UsageError } from '../../base/errors.ts';
import { writeAllAtomically } from '../../base/files/write-atomically.ts';
import { readText } from '../../base/text/read-text.ts';
import { Database } from '../../database/database.ts';
import { requireOutputsApart } from '../../search/outputs-apart.ts';
import { bucketsIn, chosenEntries } from '../chosen-buckets.ts';
import type { EvaluationOptions } from '../evaluate-and-write.ts';
import { parseGrid } from '../grid.ts';
import { evaluateLabels } from './evaluate-labels.ts';
import { LABEL_MESSAGES } from './label-messages.ts';
import { parseLabels } from './parse-labels.ts';

/** Neighbours per query: most families are found whole, and most rankings have a false target. */
const DEFAULT_K = 1000;

/** Judges a database by labels, and writes the result. @throws UsageError that names the option that is wrong */
export async function judgeAndWrite(path: string, options: EvaluationOptions, context: CommandContext) {
  const { k = DEFAULT_K, sample, database: uri, work, stream, output, queries, plot } = options;
  const unused = Object.entries({ queries, plot }).find(([, value]) => value !== undefined);
  if (unused) throw new UsageError(LABEL_MESSAGES.notWithLabels(unused[0]));
  requireWhole('k', k);
  if (sample !== undefined) requireWhole('sample', sample);
  const grid = parseGrid(options);
  await requireOutputsApart('labels', [path], { output });
  const names = bucketsIn(options.buckets);
  const labels = parseLabels(await readText(path), path);
  const database = await Database.open(uri, work);
  const entries = await chosenEntries(database, names);
  const request = { ...grid, path, labels, k, sample, database: uri, work, stream, scratch: work ?? tmpdir() };
  // An output that cannot be written is refused before hours of searches.
  const { evaluation, text } = await writeAllAtomically([output], async ([document]) => {
    const found = await evaluateLabels(database, entries, request, context);
    const written = `${JSON.stringify(found, null, 2)}\n`;
    if (document) await writeFile(document, written);
    return { evaluation: found, text: written };
  });
  return { rows: evaluation.queries, bytes: text.length, evaluation };
}
