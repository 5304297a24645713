import { readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ROOT, requirePython, run } from '../../support/run.ts';
import type { Podman } from './podman.ts';

/** The container's file of certificates. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
/** Java's file of certificates in Debian. */
const JAVA_CERTIFICATES = '/etc/ssl/certs/java/cacerts';

/**
 * Builds containers/worker/Dockerfile as a user behind a proxy or with mirrors does: the build gets this machine's settings of apt, pip and
 * npm as secrets. Each has `mark`, so that a test can search the image for it.
 */
export async function buildImage(podman: Podman, name: string, base: string, folder: string, mark: string) {
  const secrets = {
    'apt.conf': `// ${mark}\n${await aptSettings()}`,
    'pip.conf': `# ${mark}\n${await pipSettings()}`,
    npmrc: `; ${mark}\n${await npmSettings()}`,
    'ca.crt': await readFile(process.env.SSL_CERT_FILE || CERTIFICATES, 'utf8'),
  };
  await build(podman, name, 'worker', [`BASE_IMAGE=${base}`], folder, secrets);
}

/**
 * Builds containers/head/Dockerfile in the same way, without Nextflow's plugins.
 * @param worker the tasks' image
 */
export async function buildHead(podman: Podman, name: string, worker: string, folder: string) {
  const maven = await readFile(join(homedir(), '.m2/settings.xml')).catch(() => undefined);
  const cacerts = await readFile(JAVA_CERTIFICATES).catch(() => undefined);
  const secrets = {
    'apt.conf': await aptSettings(),
    ...(maven === undefined ? {} : { 'settings.xml': maven }),
    ...(cacerts === undefined ? {} : { cacerts }),
  };
  await build(podman, name, 'head', [`WORKER_IMAGE=${worker}`, 'PLUGINS=skip'], folder, secrets);
}

/**
 * Builds containers/lambda/Dockerfile in the same way.
 * @param worker the tasks' image
 */
export async function buildLambda(podman: Podman, name: string, worker: string, folder: string) {
  const secrets = {
    'apt.conf': await aptSettings(),
    'pip.conf': await pipSettings(),
    npmrc: await npmSettings(),
    'ca.crt': await readFile(process.env.SSL_CERT_FILE || CERTIFICATES, 'utf8'),
  };
  await build(podman, name, 'lambda', [`WORKER_IMAGE=${worker}`], folder, secrets);
}

async function build(
  podman: Podman,
  name: string,
  image: string,
  args: readonly string[],
  folder: string,
  secrets: Record<string, string | Buffer>,
): Promise<void> {
  // Without layers: no later build reuses them.
  const options = ['--layers=false', '--network', 'host', ...args.flatMap((value) => ['--build-arg', value])];
  for (const [id, content] of Object.entries(secrets)) {
    await writeFile(join(folder, id), content, { mode: 0o600 });
    options.push('--secret', `id=${id},src=${join(folder, id)}`);
  }
  const dockerfile = join(ROOT, 'containers', image, 'Dockerfile');
  await podman.run('build', ...options, '--file', dockerfile, '--tag', name, ROOT);
}

async function aptSettings(): Promise<string> {
  const { stdout } = await run('apt-config', ['dump', '--no-empty']);
  return lines(stdout, /^Acquire::(http|https|Check|Retries)/);
}

async function pipSettings(): Promise<string> {
  const { stdout } = await run(requirePython(), ['-m', 'pip', 'config', 'list']);
  const settings = stdout.matchAll(/^[\w:]+\.(index-url|extra-index-url|trusted-host|proxy|default-timeout)='(.*)'$/gm);
  return `[global]\ncert = ${CERTIFICATES}\n${[...settings].map(([, key, value]) => `${key} = ${value}\n`).join('')}`;
}

async function npmSettings(): Promise<string> {
  const value = async (key: string) => (await run('npm', ['config', 'get', key], { cwd: '/' })).stdout.trim();
  const files = await Promise.all(['globalconfig', 'userconfig'].map(async (key) => textOf(await value(key))));
  const settings = ['registry', 'proxy', 'https-proxy', 'noproxy', 'strict-ssl'];
  const said = await Promise.all(settings.map(async (key) => `${key}=${await value(key)}`));
  return `${files.join('\n')}\n${said.filter((line) => !/=(null|undefined|)$/.test(line)).join('\n')}\ncafile=${CERTIFICATES}\n`;
}

const textOf = (path: string) => readFile(path, 'utf8').catch(() => '');
const lines = (text: string, wanted: RegExp) =>
  `${text
    .split('\n')
    .filter((line) => wanted.test(line))
    .join('\n')}\n`;
