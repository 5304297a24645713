import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One start of a container. */
export interface Started {
  image: string;
  /** Folders of the host that the container sees, as `source` or `source:target`. */
  binds: string[];
  options: string[];
  /** Variables that the container gets. */
  env: Record<string, string>;
  /** Variables of the engine's own environment, which must have only those that it needs. */
  outside: string[];
}

/**
 * Writes stand-ins for Singularity and Apptainer, which Debian does not package. They take the same command line, refuse what the
 * originals refuse, and run the command on this machine, or in an image of Podman with the named folders mounted.
 * @param podman name of the image, and the environment of podman
 * @returns the folder of the programs, and their recorded calls
 */
export async function standIns(
  folder: string,
  podman?: { image: string; env: NodeJS.ProcessEnv },
): Promise<{ bin: string; started(): Promise<Started[]> }> {
  const bin = join(folder, 'engines');
  const log = join(folder, 'engines.log');
  await mkdir(bin);
  await writeFile(log, '');
  for (const name of ['singularity', 'apptainer']) {
    const settings = { name, log, podman: podman ?? null, path: process.env.PATH, home: process.env.HOME };
    await writeFile(
      join(bin, name),
      `#!${process.execPath}\nconst settings = ${JSON.stringify(settings)};\n${PROGRAM}`,
    );
    await chmod(join(bin, name), 0o755);
  }
  const started = async () =>
    (await readFile(log, 'utf8'))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Started);
  return { bin, started };
}

const PROGRAM = `
const { appendFileSync, existsSync, statSync } = require('node:fs');
const { spawnSync } = require('node:child_process');
const refuse = (why) => { console.error('FATAL: ' + why); process.exit(255); };
const args = process.argv.slice(2);
if (args.shift() !== 'exec') refuse('only exec is known');
const [binds, options] = [[], []];
while (args[0]?.startsWith('-')) {
  const option = args.shift();
  if (option === '-B' || option === '--bind') binds.push(args.shift());
  else if (['--no-home', '--pid', '--nv'].includes(option)) options.push(option);
  else refuse('unknown flag: ' + option);
}
const image = args.shift();
if (!image.startsWith('/') || !existsSync(image) || !statSync(image).isFile()) refuse('could not open image ' + image);
for (const bind of binds) {
  const parts = bind.split(':');
  if (bind.includes(',') || parts.length > 3) refuse('more than one folder: ' + bind);
  if (!existsSync(parts[0])) refuse('mount source ' + parts[0] + " doesn't exist");
}
const prefix = settings.name.toUpperCase() + 'ENV_';
const prefixed = Object.entries(process.env).filter(([name]) => name.startsWith(prefix));
const env = Object.fromEntries(prefixed.map(([name, value]) => [name.slice(prefix.length), value]));
const outside = Object.keys(process.env).filter((name) => !name.startsWith(prefix));
appendFileSync(settings.log, JSON.stringify({ image, binds, options, env, outside }) + '\\n');
const { podman } = settings;
const volumes = binds.flatMap((bind) => ['--volume', bind.includes(':') ? bind : bind + ':' + bind]);
const variables = Object.entries(env).flatMap(([name, value]) => ['--env', name + '=' + value]);
const { status, signal } = podman
  ? spawnSync('podman', ['run', '--rm', '--read-only', '--user', '0:0', ...volumes, '--volume', '/tmp:/tmp', ...variables, podman.image, ...args],
      { stdio: 'inherit', env: { ...podman.env, PATH: settings.path, HOME: settings.home } })
  : spawnSync(args[0], args.slice(1), { stdio: 'inherit', env: { PATH: settings.path, HOME: settings.home, ...env } });
process.exit(status ?? (signal ? 143 : 1));
`;
