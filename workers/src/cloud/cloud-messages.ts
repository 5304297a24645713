// What launch and doctor tell users: the problem, the place, and what to do.

import { quoteValue } from '../base/text/quote.ts';

// --- AWS: answers of any service. `where` is the service, `request` what was requested of it: "AWS Batch in eu-west-1", "ListJobs".

export const AWS = {
  noRegion: 'No AWS region. Give aws_region in the parameters file, or set AWS_REGION, or a region in the AWS profile.',
  invalidRegion: (region: string) =>
    `aws_region ${quoteValue(region)} is not the name of an AWS region: eu-central-1, say.`,
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

// --- launch: refusals, and what a follower prints.

export const LAUNCH = {
  invalidPoll: '--poll must be above 0.',
  invalidName: (name: string) =>
    `--campaign ${quoteValue(name)}: a name has up to 100 letters, digits, "-" and "_", and begins with a letter.`,
  noWorkDir: '--work-dir is missing: s3://bucket/work, say.',
  tooLong: (characters: number) =>
    `The parameters and --config have more than the ${characters} characters that AWS Batch takes. ` +
    'Name a prefix or a samplesheet instead of many files.',
  runningOtherwise: (campaign: string, changes: string) =>
    `${campaign} is running with other arguments (${changes}). Wait for it, end it (--cancel), or choose another name.`,
  endedOtherwise: (campaign: string, changes: string) =>
    `${campaign} has ended, with other arguments (${changes}). Run it again with these (--again), or choose another name.`,
  noCampaign: (campaign: string) =>
    `There is no campaign ${campaign} in this queue and region. Check its name and --queue.`,
  forgottenJob: (id: string) => `AWS Batch no longer knows the job ${id}. Launch the campaign again.`,
  following: (id: string) => `follows job ${id}`,
  submitting: 'submits a job',
  submitted: (id: string) => `is job ${id}`,
  endingTasks: (tasks: number) => `ends ${tasks} tasks of its former head`,
  endingHeads: (ids: readonly string[]) => `ending job ${ids.join(', ')}`,
  notFollowed: (campaign: string) =>
    `\n${campaign}: no longer followed; the job goes on. The same command follows it again, --cancel ends it.`,
  waitingForMachine: 'waits for a machine (if for long: lanceflow doctor --profile awsbatch)',
  noContact: (reason: string) => `no contact, which does not stop the job: ${reason}`,
} as const;

/** Reasons that Batch shows for a job that was ended. */
export const REASONS = {
  lostHead: 'the head that submitted it has ended',
  cancelled: (campaign: string) => `campaign ${campaign} was cancelled`,
  secondHead: 'another head of this campaign was submitted at the same time',
} as const;

/** Problems of --params-file. */
export const PARAMS = {
  notJson: (path: string, reason: string) => `${path}: is not JSON (${reason}). Correct it; YAML is not read here.`,
  notObject: (path: string) => `${path}: must be one JSON object: {"input": "s3://...", "k": 10}.`,
  problems: (path: string, problems: readonly string[]) =>
    `${path}: ${problems.join(' ')} The parameters: nextflow run main.nf --help.`,
  missing: (names: readonly string[]) =>
    `--params-file: ${names.join(', ')} missing. A campaign on AWS needs them (docs/aws.md).`,
  unknown: (name: string) => `${name} is not a parameter of the pipeline.`,
  notHere: (name: string) => `${name} does not belong there.`,
  /** @param wanted "a whole number" */
  wrongValue: (name: string, value: unknown, wanted: string) => `${name} is ${quoteValue(value)}; it needs ${wanted}.`,
  notOnS3: (name: string, value: unknown) => `${name} is ${quoteValue(value)}; on AWS it needs an s3:// address.`,
} as const;

// --- doctor: what a check found, and the remedy where it failed.

export const FOUND = {
  missing: 'is not there',
  notGiven: 'is not given',
  disabled: 'is disabled',
  noJobRole: 'has no job role',
  noEnvironment: 'has no compute environment',
  noMachine: 'may start no machine (maxvCpus is 0)',
  noLaunchTemplate: 'has no launch template, so nothing makes /scratch of the disks',
  oneRole: 'is not given: all tasks have the role of aws_job_role, which can delete databases (aws_reader_definition)',
  acceptedKey: (id: string) => `AWS accepts ${id.slice(0, 4)}...${id.slice(-4)}`,
  status: (status: string | undefined, reason = '') => `is ${status}: ${reason}`,
  withoutDisks: (types: string) => `has machines without NVMe disks: ${types}`,
  withoutGpu: (types: string) => `has machines without GPU: ${types}`,
  noRoleArn: (role: unknown) => `${role} is not the ARN of a role`,
  otherImage: (image: string | undefined) => `has the image ${image}, not aws_container`,
  otherRegistry: (image: string) => `${image} is not in ECR: whether machines can pull it was not checked`,
  image: (image: string) => `${image} is there`,
  farImage: (image: string, region: string) => `${image} is there; it comes from ${region}, which costs and is slow`,
  noLogGroup: (group: string) => `there is no log group ${group}`,
  noBucket: (bucket: string) => `there is no bucket ${bucket}`,
  otherRegion: (bucket: string, own: string, queues: string) => `${bucket} is in ${own}, the queues are in ${queues}`,
  writable: (uri: string) => `${uri} can be written`,
  readable: (uri: string) => `${uri} can be read`,
  readableDatabase: (uri: string, buckets: number) =>
    `${uri} can be read; ${buckets === 0 ? 'no buckets yet' : `${buckets} buckets`}`,
  nothingAt: (uri: string) => `there is nothing at ${uri}`,
  rights: (role: string) => `${role} has the rights that the campaign needs`,
  deniedRights: (role: string, rights: readonly string[]) => `${role} may not: ${rights.join(', ')}`,
  uncheckedRights: (role: string, reason: string) => `what ${role} may do was not checked: ${reason}`,
  tooOld: (version: string) => `${version} is too old`,
  tooOldNode: (version: string) => `${version} is too old for the workers`,
  noStart: (program: string) => `${program} does not start`,
  noLoad: (reason: string) => `does not load: ${reason}`,
} as const;

export const REMEDY = {
  setup: 'Run npm run setup on this machine.',
  setupNode: 'Run npm run setup, and start bin/lanceflow.',
  setupNextflow: 'Run npm run setup, which fetches it.',
  java: 'Install Java 17 or newer (Debian, Ubuntu: apt install openjdk-17-jre-headless); JAVA_HOME names it.',
  memory: (gb: number) => `Close other programs: small databases need at least ${gb} GB.`,
  disk: 'Free some space, or start from a folder on another disk (docs/scale.md#sizes).',
  openFiles: 'ulimit -n 65536',
  docs: 'See docs/aws.md.',
  reason: 'Fix what the reason says.',
  deployQueue: 'Check its name and the region, or deploy infra/lanceflow.yaml (docs/aws.md).',
  enableQueue: (name: string) => `aws batch update-job-queue --job-queue ${name} --state ENABLED`,
  addEnvironment: (name: string) => `Give it one: aws batch update-job-queue --job-queue ${name}`,
  enableEnvironment: (name: string) =>
    `aws batch update-compute-environment --compute-environment ${name} --state ENABLED`,
  allowMachines: (name: string) =>
    `aws batch update-compute-environment --compute-environment ${name} --compute-resources maxvCpus=256`,
  storageMachines: 'Use machines such as i4i.8xlarge: buckets are built there.',
  gpuMachines: 'Use machines such as g5.4xlarge.',
  launchTemplate: 'Give it one with infra/mount-scratch.sh.',
  deployHead: 'Check its name, or deploy infra/lanceflow.yaml (docs/aws.md).',
  headRole: 'Nextflow needs one to start tasks: HeadRole of infra/lanceflow.yaml.',
  tasksRole: 'Name it: aws_job_role in --params-file, the output JobRole of the stack.',
  deployReaders: 'Check aws_reader_definition, or deploy infra/lanceflow.yaml.',
  readersRole: 'Give it one that reads databases: ReaderRole of infra/lanceflow.yaml.',
  readersImage: 'Deploy infra/lanceflow.yaml with TaskImageTag.',
  rights:
    'Use the places and images that infra/lanceflow.yaml was deployed for, or deploy it with others (docs/aws.md#rights): InputBucket, ' +
    'InputPrefix, OtherTaskImages, Campaigns.',
  nameImage: 'Name it: aws_container in --params-file.',
  pushImage: 'Build it and push it: docs/aws.md#deploy.',
  createLogGroup: (group: string) => `aws logs create-log-group --log-group-name ${group}`,
  namePlace: (option: string) => `Name it: ${option} s3://...`,
  makeBucket: (bucket: string) => `Check its name, or make it: aws s3 mb s3://${bucket}`,
  oneRegion: 'Use a bucket and queues of one region (aws_region): traffic between regions is slow and costs.',
  address: 'Check the address.',
} as const;
