import { FOUND, REMEDY } from '../cloud-messages.ts';
import { type Finding, failed, ok } from './finding.ts';

/** The fields of AWS Batch's compute environments that this file checks. */
export interface Environment {
  computeEnvironmentName?: string;
  state?: string;
  status?: string;
  statusReason?: string;
  computeResources?: { type?: string; maxvCpus?: number; instanceTypes?: string[]; launchTemplate?: object };
}

/** The fields of AWS Batch's job queues that this file checks. */
export interface Queue {
  state?: string;
  status?: string;
  statusReason?: string;
}

/** Hardware that the machines of a queue need: any, NVMe disks, or GPUs. */
export type Machines = 'any' | 'storage' | 'gpu';

/** Instance families with NVMe disks whose names have no "d". */
const WITH_DISKS = new Set(['g5', 'g6', 'g6e', 'gr6', 'p5', 'p5e', 'trn1', 'trn1n']);

/** Returns whether an EC2 instance type, or a family, has NVMe instance disks: i4i.8xlarge, m6id, g5.4xlarge. */
export function hasInstanceStorage(type: string): boolean {
  const family = type.split('.')[0]!;
  // Storage families begin with i; others have a "d" among the letters after the generation.
  return /^i[ms]?\d/.test(family) || /^[a-z]+\d+[a-z]*d[a-z]*$/.test(family) || WITH_DISKS.has(family);
}

/** Returns whether an EC2 instance type, or a family, has NVIDIA GPUs. */
export function hasGpu(type: string): boolean {
  return /^(g(?!4ad)|gr|p)\d/.test(type);
}

/** Judges a queue and its machines. @param queue undefined if no queue has this name */
export function judgeQueue(
  name: string,
  machines: Machines,
  queue: Queue | undefined,
  environments: readonly Environment[],
): Finding[] {
  const check = `queue ${name}`;
  if (!queue) return [failed(check, FOUND.missing, REMEDY.deployQueue)];
  const inEnvironments = environments.flatMap((environment) => judgeEnvironment(environment, machines));
  if (queue.state !== 'ENABLED') return [failed(check, FOUND.disabled, REMEDY.enableQueue(name)), ...inEnvironments];
  if (queue.status !== 'VALID')
    return [failed(check, FOUND.status(queue.status, queue.statusReason), REMEDY.reason), ...inEnvironments];
  if (environments.length === 0) return [failed(check, FOUND.noEnvironment, REMEDY.addEnvironment(name))];
  return [ok(check, 'enabled and valid'), ...inEnvironments];
}

function judgeEnvironment(environment: Environment, machines: Machines): Finding[] {
  const { computeEnvironmentName: name = '', state, status, statusReason } = environment;
  const check = `environment ${name}`;
  const { type = '', maxvCpus = 0, instanceTypes = [], launchTemplate } = environment.computeResources ?? {};
  if (state !== 'ENABLED') return [failed(check, FOUND.disabled, REMEDY.enableEnvironment(name))];
  if (status !== 'VALID') return [failed(check, FOUND.status(status, statusReason), REMEDY.reason)];
  if (maxvCpus === 0) return [failed(check, FOUND.noMachine, REMEDY.allowMachines(name))];
  const typesWithout = (has: (type: string) => boolean) =>
    type.startsWith('FARGATE') ? 'Fargate' : instanceTypes.filter((instance) => !has(instance)).join(', ');
  const findings: Finding[] = [];
  const withoutDisks = typesWithout(hasInstanceStorage);
  if (machines === 'storage' && withoutDisks !== '')
    findings.push(failed(check, FOUND.withoutDisks(withoutDisks), REMEDY.storageMachines));
  const withoutGpu = typesWithout(hasGpu);
  if (machines === 'gpu' && withoutGpu !== '')
    findings.push(failed(check, FOUND.withoutGpu(withoutGpu), REMEDY.gpuMachines));
  if (machines === 'storage' && launchTemplate === undefined)
    findings.push(failed(check, FOUND.noLaunchTemplate, REMEDY.launchTemplate));
  if (findings.length > 0) return findings;
  return [
    ok(check, `enabled and valid; ${type}, ${instanceTypes.join(', ') || 'no machines'}, up to ${maxvCpus} vCPUs`),
  ];
}
