import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AskStack, FUNCTIONS, startAskStack } from '../support/ask-stack.ts';
import { buildDatabase } from '../support/database.ts';
import { lanceflow, missing, ROOT, temporaryFolder } from '../support/run.ts';
import { freePort, type S3Server, startS3Server } from '../support/s3-server.ts';
import { waitUntil } from '../support/wait.ts';
import { buildLambda } from './support/build-image.ts';
import type { Podman } from './support/podman.ts';

/** AWS's runtime interface emulator, of `npm run setup:lambda`. */
const EMULATOR = join(ROOT, '.tools/lambda/aws-lambda-rie');
const IMAGE = 'lanceflow:lambda-0.1.0';
const CLIENT = ['/usr/local/bin/node', '/opt/client/node_modules/aws-lambda-ric/index.mjs'];
/** versitygw's own. */
const REGION = 'us-east-1';
const RESULTS = `lanceflow-ask-123456789012-${REGION}`;
const DATABASE = 's3://lance/db/proteins';
const DATA = join(ROOT, 'test/pipeline/data');

/** The tasks' image, on which that of the functions is built, and a folder with the build's secrets. */
interface Given {
  podman: Podman;
  image: string;
  folder: string;
}

/**
 * Defines tests of `ask --remote` from end to end: the state machine of the deployed template in moto's engine, the functions in their image
 * under AWS's emulator, the database on versitygw.
 */
export function describeAskRemote(given: () => Given): void {
  describe.skipIf(missing(existsSync(EMULATOR), "AWS's emulator of Lambda (npm run setup:lambda)"))(
    'the image of the functions on AWS Lambda',
    () => {
      let podman: Podman;
      let server: S3Server;
      let stack: AskStack;
      let env: NodeJS.ProcessEnv;

      beforeAll(async () => {
        podman = given().podman;
        await buildLambda(podman, IMAGE, given().image, given().folder);
        server = await startS3Server('versitygw', ['lance', RESULTS]);
        stack = await startAskStack({ DatabaseBucket: 'lance', DatabasePrefix: 'db/proteins' }, REGION);
        env = { ...stack.env, ...server.env, AWS_ENDPOINT_URL: stack.endpoint, AWS_REGION: REGION };
        env.AWS_ENDPOINT_URL_S3 = server.endpoint;
        const addresses: Record<string, string[]> = {};
        for (const name of FUNCTIONS) addresses[name] = [await startFunction(name)];
        await stack.answerAt(addresses);
      }, 900_000);
      afterAll(async () => {
        // The tests after these expect that no container runs but theirs.
        const names = FUNCTIONS.map((name) => `ask-${name}`);
        await podman?.run('rm', '--force', '--ignore', '--time', '0', ...names);
        await stack?.stop();
        await server?.stop();
      });

      const logOf = async (name: string) => (await podman.run('logs', `ask-${name}`)).stdout;

      /** Starts a function in its image, as Lambda does: with its own environment, and a root that cannot be written. */
      async function startFunction(name: string): Promise<string> {
        const address = `127.0.0.1:${await freePort()}`;
        const aws = { AWS_ENDPOINT_URL_S3: server.endpoint, AWS_REGION: REGION, AWS_LAMBDA_FUNCTION_TIMEOUT: '60' };
        const variables = { ...server.env, ...stack.variables, ...aws, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '3008' };
        const options = Object.entries(variables).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
        options.push('--read-only', '--tmpfs', '/tmp', '--volume', `${EMULATOR}:/aws-lambda-rie:ro`);
        options.push('--entrypoint', '/aws-lambda-rie', '--name', `ask-${name}`, '--detach');
        // Containers share the machine's network: each emulator needs ports of its own.
        const runtime = `127.0.0.1:${await freePort()}`;
        const emulator = ['--runtime-interface-emulator-address', address, '--runtime-api-address', runtime];
        await podman.run('run', ...options, IMAGE, ...emulator, ...CLIENT, `${name}.handler`);
        const answers = () => fetch(`http://${address}`).then(Boolean, () => false);
        await waitUntil(`${name} answers`, answers, { everyMs: 100, state: () => logOf(name) });
        return `http://${address}`;
      }

      test('has less than 400 MB, and nothing to build with', async () => {
        const { stdout } = await podman.run('image', 'inspect', '--format', '{{.Size}}', IMAGE);
        expect(Number(stdout)).toBeLessThan(400e6);
        const root = (await podman.run('image', 'mount', IMAGE)).stdout.trim();
        for (const path of ['bin/sh', 'usr/bin/npm', 'opt/lanceflow/node_modules/typescript', 'opt/client/collect.ts'])
          expect(existsSync(join(root, path)), path).toBe(false);
        expect(existsSync(join(root, 'opt/lanceflow/node_modules/@lancedb/lancedb'))).toBe(true);
        await podman.run('image', 'unmount', IMAGE);
      });

      test('answers as ask does here, byte for byte', async () => {
        const folder = await temporaryFolder();
        const run = async (argv: string[]) => {
          const { code, stderr } = await lanceflow(argv, { env });
          expect(code, stderr).toBe(0);
        };
        const shards = [];
        for (const part of ['a', 'b']) {
          const [input, output] = [join(DATA, `proteins_${part}.fasta`), join(folder, `${part}.h5`)];
          await run(['embed-sequences', '--model', 'kmer', '--input', input, '--output', output]);
          shards.push(output);
        }
        await buildDatabase(folder, shards, { database: DATABASE, bucketSize: 40 }, run);
        const queries = ['--input', join(DATA, 'queries.fasta'), '--k', '5'];
        const here = await lanceflow(['ask', '--database', DATABASE, ...queries], { env });
        expect(here.stdout.split('\n').length).toBeGreaterThan(20);
        for (const format of ['csv', 'parquet']) {
          const [mine, remote] = [join(folder, `here.${format}`), join(folder, `remote.${format}`)];
          await run(['ask', '--database', DATABASE, ...queries, '--output', mine]);
          await run(['ask', '--remote', stack.outputs.Remote, ...queries, '--output', remote]);
          expect((await readFile(remote)).equals(await readFile(mine)), format).toBe(true);
        }
        const log = await logOf('search-bucket');
        expect(log).toMatch(/"coldStart":true/);
        expect(log).toMatch(/"Namespace":"LanceFlow"/);
      });
    },
  );
}
