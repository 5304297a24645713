import { UsageError } from '../../base/errors.ts';
import { PARAMS } from '../cloud-messages.ts';
import type { Params } from './campaign.ts';

/** A parameter of nextflow_schema.json. */
export interface Definition {
  type: string;
  enum?: string[];
  minimum?: number;
  format?: string;
  /** Whether it names files that every machine must reach. */
  isShared?: boolean;
}

/** Reads the parameters of nextflow_schema.json by name. Parameters of the group "data" name files that every machine must reach. */
export function readDefinitions(schema: {
  $defs: Record<string, { properties: Record<string, Definition> }>;
}): Map<string, Definition> {
  return new Map(
    Object.entries(schema.$defs).flatMap(([group, { properties }]) =>
      Object.entries(properties).map(([name, definition]): [string, Definition] => [
        name,
        { ...definition, isShared: group === 'data' && definition.format?.endsWith('path') === true },
      ]),
    ),
  );
}

/**
 * Checks the content of a parameters file, in which null means "not set". The pipeline checks the rest before any task.
 * @param path of the file, for messages
 * @throws UsageError with all problems
 */
export function checkParams(content: unknown, path: string, known: ReadonlyMap<string, Definition>): Params {
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new UsageError(PARAMS.notObject(path));
  const entries = Object.entries(content).filter(([, value]) => value !== null);
  const problems = entries.flatMap(([name, value]) => problemWith(name, value, known.get(name)) ?? []);
  if (problems.length > 0) throw new UsageError(PARAMS.problems(path, problems));
  return Object.fromEntries(entries) as Params;
}

function problemWith(name: string, value: unknown, definition: Definition | undefined): string | undefined {
  if (!definition) return PARAMS.unknown(name);
  if (name === 'campaign' || name === 'help') return PARAMS.notHere(name);
  const wrong = (wanted: string) => PARAMS.wrongValue(name, value, wanted);
  if (definition.type === 'boolean') return typeof value === 'boolean' ? undefined : wrong('true or false');
  if (definition.type === 'integer' || definition.type === 'number') {
    const fits = typeof value === 'number' && (definition.type === 'number' || Number.isInteger(value));
    if (!fits) return wrong(definition.type === 'integer' ? 'a whole number' : 'a number');
    const { minimum } = definition;
    return minimum !== undefined && value < minimum ? wrong(`at least ${minimum}`) : undefined;
  }
  if (typeof value !== 'string' || value.trim() === '') return wrong('a text');
  if (definition.enum && !definition.enum.includes(value)) return wrong(`one of ${definition.enum.join(', ')}`);
  const isShared = definition.isShared || (name === 'model' && value !== 'kmer');
  return isShared && !value.startsWith('s3://') ? PARAMS.notOnS3(name, value) : undefined;
}

/** Checks that the parameters that every campaign needs are set. @throws UsageError that names the missing ones */
export function requireCampaignParams(params: Params): void {
  const missing = ['database', 'outdir', 'aws_container', 'aws_job_role'].filter((name) => params[name] === undefined);
  if (params.input === undefined && params.queries === undefined) missing.unshift('input or queries');
  if (missing.length > 0) throw new UsageError(PARAMS.missing(missing));
}
