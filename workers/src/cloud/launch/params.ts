import { UsageError } from '../../base/errors.ts';
import { quoteValue } from '../../base/text/quote.ts';
import type { Params } from './campaign.ts';

/** A parameter of nextflow_schema.json. */
export interface Definition {
  type: string;
  enum?: string[];
  minimum?: number;
  format?: string;
  /** Names files that every machine must reach. */
  isShared?: boolean;
}

/** The parameters of nextflow_schema.json by name. Files in its group "data" are those that every machine must reach. */
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
 * Checks the content of a parameters file; null stands for "not given". What is not found here, the pipeline finds before any task.
 * @param path of the file, for messages
 * @throws UsageError with all that is wrong
 */
export function checkParams(content: unknown, path: string, known: ReadonlyMap<string, Definition>): Params {
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new UsageError(`${path}: must be one JSON object: {"input": "s3://...", "k": 10}.`);
  const given = Object.entries(content).filter(([, value]) => value !== null);
  const problems = given.flatMap(([name, value]) => problemWith(name, value, known.get(name)) ?? []);
  if (problems.length > 0)
    throw new UsageError(`${path}: ${problems.join(' ')} The parameters: nextflow run main.nf --help.`);
  return Object.fromEntries(given) as Params;
}

function problemWith(name: string, value: unknown, definition: Definition | undefined): string | undefined {
  const is = `${name} is ${quoteValue(value)};`;
  if (!definition) return `${name} is not a parameter of the pipeline.`;
  if (name === 'campaign' || name === 'help') return `${name} does not belong there.`;
  if (definition.type === 'boolean') return typeof value === 'boolean' ? undefined : `${is} it needs true or false.`;
  if (definition.type === 'integer' || definition.type === 'number') {
    const fits = typeof value === 'number' && (definition.type === 'number' || Number.isInteger(value));
    if (!fits) return `${is} it needs ${definition.type === 'integer' ? 'a whole number' : 'a number'}.`;
    return definition.minimum !== undefined && value < definition.minimum
      ? `${is} it needs at least ${definition.minimum}.`
      : undefined;
  }
  if (typeof value !== 'string' || value.trim() === '') return `${is} it needs a text.`;
  if (definition.enum && !definition.enum.includes(value))
    return `${is} it needs one of ${definition.enum.join(', ')}.`;
  const isShared = definition.isShared || (name === 'model' && value !== 'kmer');
  return isShared && !value.startsWith('s3://') ? `${is} on AWS it needs an s3:// address.` : undefined;
}

/** What a campaign cannot do without. @throws UsageError where it is missing */
export function requireCampaignParams(params: Params): void {
  const missing = ['database', 'outdir', 'aws_container', 'aws_job_role'].filter((name) => params[name] === undefined);
  if (params.input === undefined && params.queries === undefined) missing.unshift('input or queries');
  if (missing.length > 0)
    throw new UsageError(`--params-file: ${missing.join(', ')} missing. A campaign on AWS needs them (docs/aws.md).`);
}
