import { type Finding, failed, ok } from './finding.ts';

/** A compute environment as AWS Batch describes it, as far as it matters here. */
export interface Environment {
  computeEnvironmentName?: string;
  state?: string;
  status?: string;
  statusReason?: string;
  computeResources?: { type?: string; maxvCpus?: number; instanceTypes?: string[]; launchTemplate?: object };
}

/** A job queue as AWS Batch describes it, as far as it matters here. */
export interface Queue {
  state?: string;
  status?: string;
  statusReason?: string;
}

/** What a queue's machines must have. */
export type Machines = 'any' | 'storage' | 'gpu';

/** Families with NVMe disks whose names do not show it. */
const WITH_DISKS = new Set(['g5', 'g6', 'g6e', 'gr6', 'p5', 'p5e', 'trn1', 'trn1n']);

/** Whether an EC2 instance type, or a family, has NVMe instance disks: i4i.8xlarge, m6id, g5.4xlarge. */
export function hasInstanceStorage(type: string): boolean {
  const family = type.split('.')[0]!;
  // Storage families; a "d" among the letters behind the generation's number.
  return /^i[ms]?\d/.test(family) || /^[a-z]+\d+[a-z]*d[a-z]*$/.test(family) || WITH_DISKS.has(family);
}

/** Whether an EC2 instance type, or a family, has NVIDIA GPUs. */
export function hasGpu(type: string): boolean {
  return /^(g(?!4ad)|gr|p)\d/.test(type);
}

/** Judges a queue and its machines. @param queue undefined where there is none of this name */
export function judgeQueue(
  name: string,
  machines: Machines,
  queue: Queue | undefined,
  environments: readonly Environment[],
): Finding[] {
  const check = `queue ${name}`;
  if (!queue)
    return [
      failed(check, 'is not there', 'Check its name and the region, or deploy infra/lanceflow.yaml (docs/aws.md).'),
    ];
  const of = environments.flatMap((environment) => judgeEnvironment(environment, machines));
  if (queue.state !== 'ENABLED')
    return [failed(check, 'is disabled', `aws batch update-job-queue --job-queue ${name} --state ENABLED`), ...of];
  if (queue.status !== 'VALID')
    return [failed(check, `is ${queue.status}: ${queue.statusReason ?? ''}`, 'Fix what the reason says.'), ...of];
  if (environments.length === 0)
    return [failed(check, 'has no compute environment', `Give it one: aws batch update-job-queue --job-queue ${name}`)];
  return [ok(check, 'enabled and valid'), ...of];
}

function judgeEnvironment(environment: Environment, machines: Machines): Finding[] {
  const name = environment.computeEnvironmentName ?? '';
  const check = `environment ${name}`;
  const { type = '', maxvCpus = 0, instanceTypes = [], launchTemplate } = environment.computeResources ?? {};
  const update = `aws batch update-compute-environment --compute-environment ${name}`;
  if (environment.state !== 'ENABLED') return [failed(check, 'is disabled', `${update} --state ENABLED`)];
  if (environment.status !== 'VALID')
    return [failed(check, `is ${environment.status}: ${environment.statusReason ?? ''}`, 'Fix what the reason says.')];
  if (maxvCpus === 0)
    return [failed(check, 'may start no machine (maxvCpus is 0)', `${update} --compute-resources maxvCpus=256`)];
  const findings: Finding[] = [];
  const without = (has: (type: string) => boolean) => instanceTypes.filter((instance) => !has(instance)).join(', ');
  const diskless = type.startsWith('FARGATE') ? 'Fargate' : without(hasInstanceStorage);
  if (machines === 'storage' && diskless !== '')
    findings.push(
      failed(
        check,
        `has machines without NVMe disks: ${diskless}`,
        'Use such as i4i.8xlarge: buckets are built there.',
      ),
    );
  const gpuless = type.startsWith('FARGATE') ? 'Fargate' : without(hasGpu);
  if (machines === 'gpu' && gpuless !== '')
    findings.push(failed(check, `has machines without GPU: ${gpuless}`, 'Use such as g5.4xlarge.'));
  if (machines === 'storage' && launchTemplate === undefined)
    findings.push(
      failed(
        check,
        'has no launch template, so nothing makes /scratch of the disks',
        'Give it one with infra/mount-scratch.sh.',
      ),
    );
  if (findings.length > 0) return findings;
  return [
    ok(check, `enabled and valid; ${type}, ${instanceTypes.join(', ') || 'no machines'}, up to ${maxvCpus} vCPUs`),
  ];
}
