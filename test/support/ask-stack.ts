import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pythonAt, REGION } from './aws.ts';
import { ROOT, requirePython } from './run.ts';
import { s3Env } from './s3-server.ts';

/** infra/lanceflow-ask.yaml, deployed on a moto server that executes state machines. */
export interface AskStack {
  endpoint: string;
  env: NodeJS.ProcessEnv;
  outputs: { Remote: string; ResultsBucket: string; AskPolicy: string };
  /** Environment variables of the functions. */
  variables: Record<string, string>;
  /** Runs Python with boto3 as `client(name)`, and returns its JSON output. */
  python<T = unknown>(code: string, ...args: string[]): Promise<T>;
  /** Sets the addresses that answer the calls of a function, each one call at a time: of Lambda's emulator. */
  answerAt(addresses: Record<string, readonly string[]>): Promise<void>;
  stop(): Promise<void>;
}

/** The functions of the stack, by the names of their handlers. */
export const FUNCTIONS = ['embed', 'plan', 'search-bucket', 'aggregate'] as const;
export type AskFunction = (typeof FUNCTIONS)[number];

/** Deploys the template; the caller stops the server. @param parameters of the template, besides the image */
export async function startAskStack(parameters: Record<string, string>, region = REGION): Promise<AskStack> {
  const server = spawn(requirePython(), [join(ROOT, 'test/support/moto_ask.py')], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines = createInterface(server.stdout);
  const [port] = (await once(lines, 'line')) as [string];
  const endpoint = `http://127.0.0.1:${port}`;
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...s3Env(endpoint), AWS_REGION: region };
  const python = pythonAt(env);
  const { outputs, variables } = await python<Pick<AskStack, 'outputs' | 'variables'>>(
    DEPLOY,
    join(ROOT, 'infra/lanceflow-ask.yaml'),
    JSON.stringify({ ImageUri: IMAGE, ...parameters }),
  );
  return {
    endpoint,
    env,
    outputs,
    variables,
    python,
    async answerAt(addresses) {
      const named = Object.entries(addresses).map(([name, found]) => [`lanceflow-ask-${name}`, found]);
      server.stdin.write(`${JSON.stringify(Object.fromEntries(named))}\n`);
      await once(lines, 'line');
    },
    async stop() {
      server.stdin.end();
      if (server.exitCode === null) await once(server, 'exit');
    },
  };
}

const IMAGE = '123456789012.dkr.ecr.eu-central-1.amazonaws.com/lanceflow:lambda-0.1.0';

const DEPLOY = `
stacks, functions = client('cloudformation'), client('lambda')
parameters = [dict(ParameterKey=key, ParameterValue=value) for key, value in json.loads(sys.argv[2]).items()]
stacks.create_stack(StackName='lanceflow-ask', TemplateBody=open(sys.argv[1]).read(), Parameters=parameters,
    Capabilities=['CAPABILITY_NAMED_IAM'])
outputs = stacks.describe_stacks(StackName='lanceflow-ask')['Stacks'][0]['Outputs']
function = functions.get_function_configuration(FunctionName='lanceflow-ask-plan')
print(json.dumps(dict(outputs={output['OutputKey']: output['OutputValue'] for output in outputs},
    variables={key: str(value) for key, value in function['Environment']['Variables'].items()})))`;
