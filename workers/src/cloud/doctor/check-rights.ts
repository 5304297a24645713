import type { Batch, JobDefinition } from '@aws-sdk/client-batch';
import { DataError, toUserError, UserError } from '../../base/errors.ts';
import { deniedActions } from '../iam.ts';
import type { Params } from '../launch/campaign.ts';
import { type Finding, failed, note } from './finding.ts';
import { type Holder, isRoleArn, judgeRights, requiredRights } from './rights.ts';

/** What a campaign will use, as far as its roles matter. */
export interface CampaignPlaces {
  params: Params;
  workDir: string | undefined;
  region: string;
  /** The campaign's name, where it has one yet. */
  name?: string;
}

const CHECKS: Record<Holder, string> = {
  tasks: 'role of the tasks',
  readers: 'role of the readers',
  head: 'role of the head',
};

/**
 * Whether the roles of a campaign may do what it needs, by their deployed policies. Starts and changes nothing.
 * @param head the head's job definition
 */
export async function checkRights(
  batch: Batch,
  { params, workDir, region, name }: CampaignPlaces,
  head: JobDefinition | undefined,
): Promise<Finding[]> {
  const headRole = head?.containerProperties?.jobRoleArn;
  const tasksRole = params.aws_job_role;
  if (typeof tasksRole !== 'string' || !isRoleArn(tasksRole)) {
    const found = tasksRole === undefined ? 'is not given' : `${tasksRole} is not the ARN of a role`;
    return [failed(CHECKS.tasks, found, 'Name it: aws_job_role in --params-file, the output JobRole of the stack.')];
  }
  const readers = await checkReaders(batch, params);
  const roles: Array<[Holder, string | undefined]> = [
    ['tasks', tasksRole],
    ['readers', readers.role],
    ['head', headRole],
  ];
  const rights = requiredRights({ params, workDir, region, name, headRole: headRole ?? tasksRole });
  const judged = await Promise.all(
    roles.map(async ([holder, role]) => {
      if (role === undefined) return [];
      try {
        const denied = [];
        for (const right of rights[holder]) denied.push({ right, actions: await deniedActions(batch, role, right) });
        return [judgeRights(CHECKS[holder], role, denied)];
      } catch (thrown) {
        const error = toUserError(thrown);
        if (!(error instanceof UserError)) throw error;
        // Who may start campaigns need not be allowed to see the rights of others.
        return [note(CHECKS[holder], `what ${role} may do was not checked: ${error.message}`)];
      }
    }),
  );
  return [...readers.findings, ...judged.flat()];
}

/**
 * As checkRights, for a campaign that is about to start.
 * @param tell hears what could not be checked
 * @throws DataError with all that is missing
 */
export async function requireRights(
  batch: Batch,
  places: CampaignPlaces,
  headDefinition: string,
  tell: (text: string) => void,
): Promise<void> {
  const findings = await checkRights(batch, places, await findDefinition(batch, headDefinition));
  const failures = findings.filter(({ status }) => status === 'failed');
  for (const { check, status, found } of findings) if (status === 'note') tell(`${check}: ${found}`);
  if (failures.length === 0) return;
  const problems = failures.map(({ check, found }) => `${check}: ${found}.`);
  throw new DataError(`${problems.join(' ')} ${[...new Set(failures.map(({ remedy }) => remedy))].join(' ')}`);
}

/** The job definition of the tasks that build nothing: it must be there, with a role and the image of the others. */
async function checkReaders(batch: Batch, params: Params): Promise<{ role: string | undefined; findings: Finding[] }> {
  const name = params.aws_reader_definition;
  if (name === undefined) {
    const text =
      'is not given: all tasks have the role of aws_job_role, which can delete databases (aws_reader_definition)';
    return { role: undefined, findings: [note(CHECKS.readers, text)] };
  }
  const definition = await findDefinition(batch, `${name}`);
  const fails = (found: string, remedy: string) => ({
    role: undefined,
    findings: [failed(`job definition ${name}`, found, remedy)],
  });
  if (!definition) return fails('is not there', 'Check aws_reader_definition, or deploy infra/lanceflow.yaml.');
  const { image, jobRoleArn } = definition.containerProperties ?? {};
  if (!jobRoleArn)
    return fails('has no job role', 'Give it one that reads databases: ReaderRole of infra/lanceflow.yaml.');
  if (params.device !== 'cuda' && params.aws_container !== undefined && image !== params.aws_container)
    return fails(`has the image ${image}, not aws_container`, 'Deploy infra/lanceflow.yaml with TaskImageTag.');
  return { role: jobRoleArn, findings: [] };
}

/** The newest active revision of a job definition; undefined where there is none. @param name name, name:revision or ARN */
export async function findDefinition(batch: Batch, name: string): Promise<JobDefinition | undefined> {
  const isOne = /:\d+$/.test(name);
  const { jobDefinitions = [] } = await batch.describeJobDefinitions({
    ...(isOne ? { jobDefinitions: [name] } : { jobDefinitionName: name.replace(/^arn:.*\//, '') }),
    status: 'ACTIVE',
  });
  return jobDefinitions.sort((a, b) => (b.revision ?? 0) - (a.revision ?? 0))[0];
}
