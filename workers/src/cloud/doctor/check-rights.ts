import type { Batch, JobDefinition } from '@aws-sdk/client-batch';
import { DataError, toUserError, UserError } from '../../base/errors.ts';
import { FOUND, REMEDY } from '../cloud-messages.ts';
import { deniedActions } from '../iam.ts';
import type { Params } from '../launch/campaign.ts';
import { type Finding, failed, note } from './finding.ts';
import { type Holder, isRoleArn, judgeRights, requiredRights } from './rights.ts';

/** The parameters and places of a campaign whose roles are checked. */
export interface CampaignPlaces {
  params: Params;
  workDir: string | undefined;
  region: string;
  /** The campaign's name, if it is known already. */
  name?: string;
}

const CHECK_NAMES: Record<Holder, string> = {
  tasks: 'role of the tasks',
  readers: 'role of the readers',
  head: 'role of the head',
};

/**
 * Checks that the deployed policies of a campaign's roles allow what it needs. Starts and changes nothing.
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
    const found = tasksRole === undefined ? FOUND.notGiven : FOUND.noRoleArn(tasksRole);
    return [failed(CHECK_NAMES.tasks, found, REMEDY.tasksRole)];
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
        return [judgeRights(CHECK_NAMES[holder], role, denied)];
      } catch (thrown) {
        const error = toUserError(thrown);
        if (!(error instanceof UserError)) throw error;
        // A user who may start campaigns need not have the right to read policies.
        return [note(CHECK_NAMES[holder], FOUND.uncheckedRights(role, error.message))];
      }
    }),
  );
  return [...readers.findings, ...judged.flat()];
}

/**
 * Checks the rights of a campaign that is about to start.
 * @param say prints which rights could not be checked
 * @throws DataError with all failed checks
 */
export async function requireRights(
  batch: Batch,
  places: CampaignPlaces,
  headDefinition: string,
  say: (text: string) => void,
): Promise<void> {
  const findings = await checkRights(batch, places, await findDefinition(batch, headDefinition));
  const failures = findings.filter(({ status }) => status === 'failed');
  for (const { check, status, found } of findings) if (status === 'note') say(`${check}: ${found}`);
  if (failures.length === 0) return;
  const problems = failures.map(({ check, found }) => `${check}: ${found}.`);
  throw new DataError(`${problems.join(' ')} ${[...new Set(failures.map(({ remedy }) => remedy))].join(' ')}`);
}

/** Checks the job definition of the tasks that build nothing: it needs a role, and the image of the other tasks. */
async function checkReaders(batch: Batch, params: Params): Promise<{ role: string | undefined; findings: Finding[] }> {
  const name = params.aws_reader_definition;
  if (name === undefined) return { role: undefined, findings: [note(CHECK_NAMES.readers, FOUND.oneRole)] };
  const definition = await findDefinition(batch, `${name}`);
  const failWith = (found: string, remedy: string) => ({
    role: undefined,
    findings: [failed(`job definition ${name}`, found, remedy)],
  });
  if (!definition) return failWith(FOUND.missing, REMEDY.deployReaders);
  const { image, jobRoleArn } = definition.containerProperties ?? {};
  if (!jobRoleArn) return failWith(FOUND.noJobRole, REMEDY.readersRole);
  if (params.device !== 'cuda' && params.aws_container !== undefined && image !== params.aws_container)
    return failWith(FOUND.otherImage(image), REMEDY.readersImage);
  return { role: jobRoleArn, findings: [] };
}

/** Finds the newest active revision of a job definition. @param name name, name:revision or ARN */
export async function findDefinition(batch: Batch, name: string): Promise<JobDefinition | undefined> {
  const hasRevision = /:\d+$/.test(name);
  const { jobDefinitions = [] } = await batch.describeJobDefinitions({
    ...(hasRevision ? { jobDefinitions: [name] } : { jobDefinitionName: name.replace(/^arn:.*\//, '') }),
    status: 'ACTIVE',
  });
  return jobDefinitions.sort((a, b) => (b.revision ?? 0) - (a.revision ?? 0))[0];
}
