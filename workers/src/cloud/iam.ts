import type { Batch } from '@aws-sdk/client-batch';
import { toAwsUserError } from './aws-errors.ts';
import type { Right } from './doctor/rights.ts';

const ANSWER_MS = 20_000;
/** Version of IAM's Query API. */
const VERSION = '2010-05-08';

/**
 * Simulates which actions of a right a role's own policies do not allow. Policies of buckets and keys are not considered.
 * @param batch client whose credentials are used
 * @throws UserError if IAM cannot be reached or refuses the request
 */
export async function deniedActions(
  batch: Batch,
  role: string,
  { actions, resource, context }: Right,
): Promise<string[]> {
  const form = new URLSearchParams({ Action: 'SimulatePrincipalPolicy', Version: VERSION, PolicySourceArn: role });
  form.append('ResourceArns.member.1', resource);
  for (const [i, action] of actions.entries()) form.append(`ActionNames.member.${i + 1}`, action);
  for (const [i, [name, value]] of Object.entries(context ?? {}).entries()) {
    const entry = `ContextEntries.member.${i + 1}`;
    form.append(`${entry}.ContextKeyName`, name);
    form.append(`${entry}.ContextKeyType`, 'string');
    form.append(`${entry}.ContextKeyValues.member.1`, value);
  }
  return parseDenied(await post(batch, form.toString()));
}

/** Reads the actions that an answer of SimulatePrincipalPolicy (XML, for one resource) does not allow. */
export function parseDenied(xml: string): string[] {
  const all = (name: string) =>
    [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, text]) => text!);
  const decisions = all('EvalDecision');
  return all('EvalActionName').filter((_, i) => decisions[i] !== 'allowed');
}

// Posts a form that is signed here, because the SDK's client for IAM is as large as its client for S3.
async function post(batch: Batch, body: string): Promise<string> {
  const { SignatureV4 } = await import('@smithy/signature-v4');
  const region = await batch.config.region();
  const { endpoint, signingRegion } = endpointOf(region);
  const url = new URL(process.env.AWS_ENDPOINT_URL_IAM || process.env.AWS_ENDPOINT_URL || endpoint);
  const { credentials, sha256 } = batch.config;
  const signer = new SignatureV4({ credentials, region: signingRegion, service: 'iam', sha256 });
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    path: '/',
    headers: { host: url.host, 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body,
  });
  try {
    const answer = await fetch(new URL('/', url), {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const text = await answer.text();
    if (answer.ok) return text;
    const [code = `${answer.status}`, message = code] = ['Code', 'Message'].map(
      (name) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1],
    );
    const error = Object.assign(new Error(message), { $metadata: { httpStatusCode: answer.status } });
    error.name = code;
    throw error;
  } catch (error) {
    throw toAwsUserError(error, 'SimulatePrincipalPolicy', 'IAM');
  }
}

/** Returns the endpoint of IAM. An AWS partition has one for all its regions. */
function endpointOf(region: string): { endpoint: string; signingRegion: string } {
  if (region.startsWith('cn-'))
    return { endpoint: 'https://iam.cn-north-1.amazonaws.com.cn', signingRegion: 'cn-north-1' };
  if (region.startsWith('us-gov-'))
    return { endpoint: 'https://iam.us-gov.amazonaws.com', signingRegion: 'us-gov-west-1' };
  return { endpoint: 'https://iam.amazonaws.com', signingRegion: 'us-east-1' };
}
