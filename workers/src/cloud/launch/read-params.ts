import { readFile } from 'node:fs/promises';
import { UsageError } from '../../base/errors.ts';
import { parseJsonText } from '../../base/text/json-text.ts';
import { PARAMS } from '../cloud-messages.ts';
import type { Params } from './campaign.ts';
import { checkParams, readDefinitions } from './params.ts';

const SCHEMA = new URL('../../../../nextflow_schema.json', import.meta.url);

/**
 * Reads parameters files (JSON, as for Nextflow's -params-file). If several files have a parameter, the last one wins.
 * @throws UsageError if one is not JSON or has a wrong parameter
 */
export async function readParams(paths: readonly string[]): Promise<Params> {
  const known = readDefinitions(JSON.parse(await readFile(SCHEMA, 'utf8')));
  const all: Params = {};
  for (const path of paths) Object.assign(all, checkParams(await readJson(path), path, known));
  return all;
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8');
  try {
    return parseJsonText(text);
  } catch (error) {
    throw new UsageError(PARAMS.notJson(path, (error as Error).message));
  }
}
