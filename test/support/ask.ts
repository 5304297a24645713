import { lanceflow, python } from './run.ts';

const PARSE =
  'import csv, io, json, sys\nprint(json.dumps(list(csv.DictReader(io.StringIO(sys.argv[1], newline="")))))';

/** Runs `ask` in a process of its own. @returns the rows of its CSV, as Python reads them */
export async function askRows(argv: readonly string[]) {
  const { code, stdout, stderr } = await lanceflow(['ask', ...argv]);
  const rows = stdout === '' ? [] : await python<Record<string, string>[]>(PARSE, stdout);
  return { code, stderr, rows };
}
