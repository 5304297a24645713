// Messages of launch and doctor: the problem, where it is, and what to do.

import { counted } from '../base/text/counted.ts';
import { quoteValue } from '../base/text/quote.ts';

// --- AWS: errors of any service. `where` is the service, `request` its operation: "AWS Batch in eu-west-1", "ListJobs".

export const AWS = {
  noRegion: 'No AWS region. Set aws_region in the parameters file, AWS_REGION, or a region in the AWS profile.',
  invalidRegion: (region: string) =>
    `aws_region ${quoteValue(region)} is not the name of an AWS region, such as eu-central-1.`,
  noCredentials: (reason: string) =>
    `No AWS credentials (${reason}). Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign in: aws sso login.`,
  expiredSession: (where: string, request: string) =>
    `${where}, ${request}: the session has expired. Sign in again: aws sso login.`,
  unknownCredentials: (where: string, request: string, code: string) =>
    `${where}, ${request}: AWS does not know these credentials (${code}). Check them.`,
  denied: (where: string, request: string, reason: string) =>
    `${where}, ${request}: access denied (${reason}). Attach the policy PREFIX-launch of infra/lanceflow.yaml to these credentials, or use others.`,
  throttled: (where: string, request: string) =>
    `${where}, ${request}: too many requests. Run the same command again in a minute.`,
  failed: (where: string, request: string, code: string) =>
    `${where}, ${request}: the service failed (${code}). Run the same command again.`,
  refused: (where: string, request: string, reason: string) => `${where}, ${request}: ${reason}`,
  unreachable: (where: string, reason: string) =>
    `${where} cannot be reached (${reason}). Check the network, the region and AWS_ENDPOINT_URL, then run the same command again.`,
} as const;

// --- plan --price-api.

export const PRICE_LIST = {
  noPrice: (machine: string, region: string) =>
    `AWS's price list has no price on demand of ${machine} in ${region}. Name a machine of that region, or use --prices FILE.`,
} as const;

// --- launch: refusals, and messages while following a job.

export const LAUNCH = {
  invalidPoll: '--poll must be above 0.',
  invalidName: (name: string) =>
    `--campaign ${quoteValue(name)}: a name has up to 100 letters, digits, "-" and "_", and begins with a letter.`,
  noWorkDir: '--work-dir is missing. Pass a prefix on S3, such as s3://bucket/work.',
  tooLong: (characters: number) =>
    `The parameters and --config exceed the ${characters} characters that AWS Batch accepts. ` +
    'Name a prefix or a samplesheet instead of many files.',
  runningOtherwise: (campaign: string, changes: string) =>
    `${campaign} is running with different arguments (${changes}). Wait for it, cancel it (--cancel), or choose another name.`,
  endedOtherwise: (campaign: string, changes: string) =>
    `${campaign} has ended, with different arguments (${changes}). Run it again with the new ones (--again), or choose another name.`,
  noCampaign: (campaign: string) =>
    `Campaign ${campaign} does not exist in this queue and region. Check its name and --queue.`,
  forgottenJob: (id: string) => `AWS Batch no longer knows the job ${id}. Launch the campaign again.`,
  following: (id: string) => `following job ${id}`,
  submitting: 'submitting a job',
  submitted: (id: string) => `submitted as job ${id}`,
  endingTasks: (tasks: number) => `ending ${counted(tasks, 'task')} of its previous head`,
  endingHeads: (ids: readonly string[]) => `ending job ${ids.join(', ')}`,
  notFollowed: (campaign: string) =>
    `\n${campaign}: no longer following; the job continues. Run the same command to follow it again, or with --cancel to end it.`,
  waitingForMachine: 'waiting for a machine (if this takes long, run lanceflow doctor --profile awsbatch)',
  noContact: (reason: string) => `AWS cannot be reached; the job continues: ${reason}`,
} as const;

/** Reasons that Batch shows for a job that was ended. */
export const REASONS = {
  lostHead: 'the head that submitted it has ended',
  cancelled: (campaign: string) => `campaign ${campaign} was cancelled`,
  secondHead: 'another head of this campaign was submitted at the same time',
} as const;

/** Problems of --params-file. */
export const PARAMS = {
  notJson: (path: string, reason: string) => `${path}: is not JSON (${reason}). Fix it; YAML is not supported.`,
  notObject: (path: string) => `${path}: must be one JSON object: {"input": "s3://...", "k": 10}.`,
  problems: (path: string, problems: readonly string[]) =>
    `${path}: ${problems.join(' ')} For a list of parameters: nextflow run main.nf --help.`,
  missing: (names: readonly string[]) =>
    `--params-file lacks ${names.join(', ')}, which a campaign on AWS needs (docs/aws.md).`,
  unknown: (name: string) => `${name} is not a parameter of the pipeline.`,
  notHere: (name: string) => `${name} is not allowed in this file.`,
  /** @param wanted "a whole number" */
  wrongValue: (name: string, value: unknown, wanted: string) => `${name} is ${quoteValue(value)}; it needs ${wanted}.`,
  notOnS3: (name: string, value: unknown) => `${name} is ${quoteValue(value)}; on AWS it needs an s3:// address.`,
} as const;

// --- doctor: the result of each check, and the remedy if it failed.

export const FOUND = {
  missing: 'was not found',
  notGiven: 'is not set',
  disabled: 'is disabled',
  noJobRole: 'has no job role',
  noEnvironment: 'has no compute environment',
  noMachine: 'cannot start machines (maxvCpus is 0)',
  noLaunchTemplate: 'has no launch template, so its disks are not mounted as /scratch',
  oneRole: 'is not set (aws_reader_definition): all tasks get the role aws_job_role, which can delete databases',
  acceptedKey: (id: string) => `AWS accepts ${id.slice(0, 4)}...${id.slice(-4)}`,
  status: (status: string | undefined, reason = '') => `is ${status}: ${reason}`,
  withoutDisks: (types: string) => `has machines without NVMe disks: ${types}`,
  withoutGpu: (types: string) => `has machines without a GPU: ${types}`,
  noRoleArn: (role: unknown) => `${role} is not the ARN of a role`,
  otherImage: (image: string | undefined) => `has the image ${image}, not aws_container`,
  otherRegistry: (image: string) => `${image} is not in ECR, so it was not checked whether machines can pull it`,
  image: (image: string) => `${image} exists`,
  farImage: (image: string, region: string) => `${image} exists; pulling it from ${region} is slow and costs traffic`,
  noLogGroup: (group: string) => `log group ${group} was not found`,
  noBucket: (bucket: string) => `bucket ${bucket} was not found`,
  otherRegion: (bucket: string, own: string, queues: string) => `${bucket} is in ${own}, the queues are in ${queues}`,
  writable: (uri: string) => `${uri} can be written`,
  readable: (uri: string) => `${uri} can be read`,
  readableDatabase: (uri: string, buckets: number) =>
    `${uri} can be read; ${buckets === 0 ? 'no buckets yet' : counted(buckets, 'bucket')}`,
  nothingAt: (uri: string) => `nothing was found at ${uri}`,
  rights: (role: string) => `${role} has the rights that the campaign needs`,
  deniedRights: (role: string, rights: readonly string[]) => `${role} lacks rights: ${rights.join(', ')}`,
  uncheckedRights: (role: string, reason: string) => `the rights of ${role} were not checked: ${reason}`,
  tooOld: (version: string) => `${version} is too old`,
  tooOldNode: (version: string) => `${version} is too old for the workers`,
  noStart: (program: string) => `${program} does not start`,
  noLoad: (reason: string) => `does not load: ${reason}`,
} as const;

export const REMEDY = {
  setup: 'Run npm run setup on this machine.',
  setupNode: 'Run npm run setup, and start bin/lanceflow.',
  setupNextflow: 'Run npm run setup, which fetches it.',
  java: 'Install Java 17 or newer (Debian, Ubuntu: apt install openjdk-17-jre-headless), or set JAVA_HOME to it.',
  memory: (gb: number) => `Close other programs: small databases need at least ${gb} GB.`,
  disk: 'Free some space, or start from a folder on another disk (docs/scale.md#sizes).',
  openFiles: 'ulimit -n 65536',
  docs: 'See docs/aws.md.',
  reason: 'Fix the cause that AWS Batch reports.',
  deployQueue: 'Check its name and the region, or deploy infra/lanceflow.yaml (docs/aws.md).',
  enableQueue: (name: string) => `aws batch update-job-queue --job-queue ${name} --state ENABLED`,
  addEnvironment: (name: string) => `Add one: aws batch update-job-queue --job-queue ${name}`,
  enableEnvironment: (name: string) =>
    `aws batch update-compute-environment --compute-environment ${name} --state ENABLED`,
  allowMachines: (name: string) =>
    `aws batch update-compute-environment --compute-environment ${name} --compute-resources maxvCpus=256`,
  storageMachines: 'Use machines such as i4i.8xlarge: buckets are built there.',
  gpuMachines: 'Use machines such as g5.4xlarge.',
  launchTemplate: 'Add one that runs infra/mount-scratch.sh.',
  deployHead: 'Check its name, or deploy infra/lanceflow.yaml (docs/aws.md).',
  headRole: 'Nextflow needs a role to start tasks: HeadRole of infra/lanceflow.yaml.',
  tasksRole: 'Set aws_job_role in --params-file to the output JobRole of the stack.',
  deployReaders: 'Check aws_reader_definition, or deploy infra/lanceflow.yaml.',
  readersRole: 'Add a role that reads databases: ReaderRole of infra/lanceflow.yaml.',
  readersImage: 'Deploy infra/lanceflow.yaml with TaskImageTag.',
  rights:
    'Use the places and images that infra/lanceflow.yaml was deployed for, or deploy it with others (docs/aws.md#rights): InputBucket, ' +
    'InputPrefix, OtherTaskImages, Campaigns.',
  nameImage: 'Set aws_container in --params-file.',
  pushImage: 'Build it and push it: docs/aws.md#deploy.',
  createLogGroup: (group: string) => `aws logs create-log-group --log-group-name ${group}`,
  namePlace: (option: string) => `Set it: ${option} s3://...`,
  makeBucket: (bucket: string) => `Check its name, or create it: aws s3 mb s3://${bucket}`,
  oneRegion: 'Use a bucket and queues in one region (aws_region): traffic between regions is slow and costs money.',
  address: 'Check the address.',
} as const;
