import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT, requirePython, run } from './run.ts';
import { s3Env } from './s3-server.ts';

/** An account on a moto server: its environment, and a function that runs Python code in it. */
export interface Account {
  endpoint: string;
  env: NodeJS.ProcessEnv;
  /** Runs Python with boto3 as `client(name)`, and returns its JSON output. */
  python<T = unknown>(code: string, ...args: string[]): Promise<T>;
  /** Turns checks of credentials and permissions by IAM on or off. */
  checkRights(on: boolean): Promise<void>;
  stop(): Promise<void>;
}

export const REGION = 'eu-central-1';

/**
 * Starts moto with Batch, S3, IAM, logs and CloudFormation as one server. The caller stops it.
 * @param path folders with programs for jobs, which come before this machine's
 * @param containers jobs run in their images: a folder as the root of their machines, and the command that starts a container
 */
export async function startAccount(
  path: readonly string[] = [],
  containers: { machine: string; engine: readonly string[]; env: NodeJS.ProcessEnv } | undefined = undefined,
): Promise<Account> {
  const engine = containers ? [containers.machine, ...containers.engine] : [];
  const server = spawn(requirePython(), [join(ROOT, 'test/support/moto_batch.py'), ...engine], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, ...containers?.env, PATH: [...path, process.env.PATH].join(':') },
  });
  const [line] = (await once(server.stdout, 'data')) as [Buffer];
  const endpoint = `http://127.0.0.1:${line.toString().trim()}`;
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...s3Env(endpoint), AWS_REGION: REGION };
  return {
    endpoint,
    env,
    python: pythonAt(env),
    async checkRights(on) {
      // Number of requests before IAM checks begin.
      const body = on ? '0' : '1000000000';
      await fetch(`${endpoint}/moto-api/reset-auth`, { method: 'POST', body });
    },
    async stop() {
      server.stdin.end();
      if (server.exitCode === null) await once(server, 'exit');
    },
  };
}

/** Returns a function that runs Python with boto3 as `client(name)` against a server, and returns its JSON output. */
export function pythonAt(env: NodeJS.ProcessEnv): Account['python'] {
  return async (code, ...args) => {
    const { code: ended, stdout, stderr } = await run(requirePython(), ['-c', `${PRELUDE}\n${code}`, ...args], { env });
    if (ended !== 0) throw new Error(stderr);
    return stdout.trim() === '' ? undefined : JSON.parse(stdout);
  };
}

const PRELUDE = `
import boto3, json, os, sys
client = lambda name: boto3.client(name, region_name=os.environ['AWS_REGION'])`;

/**
 * Deploys infra/lanceflow.yaml, and pushes images to its repository. Adds a service role to every compute environment, which moto
 * requires and AWS does not.
 * @param parameters of the template, besides those without a default; a second stack needs another Prefix
 * @returns the stack's outputs
 */
export function deployStack(
  account: Account,
  bucket: string,
  parameters: Record<string, string> = {},
): Promise<Record<string, string>> {
  return account.python(DEPLOY, join(ROOT, 'infra/lanceflow.yaml'), bucket, JSON.stringify(parameters));
}

const DEPLOY = `
ec2, stacks, iam, ecr = map(client, ['ec2', 'cloudformation', 'iam', 'ecr'])
vpc = ec2.describe_vpcs()['Vpcs'][0]['VpcId']
subnets = ','.join(subnet['SubnetId'] for subnet in ec2.describe_subnets()['Subnets'])
parameters = dict(BucketName=sys.argv[2], VpcId=vpc, SubnetIds=subnets, **json.loads(sys.argv[3]))
name = parameters.get('Prefix', 'lanceflow')
if name == 'lanceflow':
    iam.create_role(RoleName='batch', AssumeRolePolicyDocument='{}')
line = '      ReplaceComputeEnvironment: false\\n'
role = "      ServiceRole: !Sub 'arn:\${AWS::Partition}:iam::\${AWS::AccountId}:role/batch'\\n"
body = open(sys.argv[1]).read().replace(line, line + role)
stacks.create_stack(StackName=name, TemplateBody=body, Capabilities=['CAPABILITY_NAMED_IAM'],
    Parameters=[dict(ParameterKey=key, ParameterValue=value) for key, value in parameters.items()])
for tag in ['0.1.0', 'head-0.1.0']:
    manifest = dict(schemaVersion=2, mediaType='application/vnd.oci.image.manifest.v1+json',
        config=dict(digest='sha256:' + tag.encode().hex().ljust(64, '0')), layers=[])
    ecr.put_image(repositoryName=name, imageTag=tag, imageManifest=json.dumps(manifest))
outputs = stacks.describe_stacks(StackName=name)['Stacks'][0]['Outputs']
print(json.dumps({output['OutputKey']: output['OutputValue'] for output in outputs}))`;
