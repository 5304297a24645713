// Installs what LanceFlow needs: npm packages (Node 24 is one of them) and Nextflow. `npm run demo` and `npm test` run it
// first. It is plain JavaScript for the machine's own Node (20 or newer).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { prune } from './prune.mjs';
import { fingerprint, isStamped, ROOT, writeStamp } from './stamp.mjs';

const startedMs = Date.now();
const say = (text) => process.stderr.write(`setup: ${text}\n`);

function fail(text) {
  say(text);
  process.exit(1);
}

/** Runs a program in the repository, with its output on standard error. @returns what went wrong; undefined where it succeeded */
function run(program, args, env = {}) {
  const { status, signal, error } = spawnSync(program, args, {
    cwd: ROOT,
    // Standard output belongs to the command that runs after the set-up.
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...env },
  });
  if (error) return `${program}: ${error.message}`;
  if (signal) process.kill(process.pid, signal);
  return status === 0 ? undefined : `${program} ended with ${status}`;
}

const major = Number(process.versions.node.split('.')[0]);
if (major < 20)
  fail(`Node.js ${process.versions.node} is too old. Install Node.js 20 or newer (nodejs.org), then run this again.`);
const unsupported = unsupportedPlatform();
if (unsupported)
  fail(
    `${unsupported} is not supported: LanceFlow needs Linux with glibc 2.28 or newer (x64 or arm64), or macOS on Apple silicon. ` +
      'On Windows, run it in WSL 2; elsewhere in a virtual machine with Linux.',
  );

const done = [];

// npm's packages depend on the platform, and a checkout can move between machines.
const wanted = fingerprint([join(ROOT, 'package-lock.json')], [process.platform, process.arch]);
const stamp = join(ROOT, 'node_modules/.lanceflow-setup');
if (!isStamped(stamp, wanted)) {
  say('installing the packages of package-lock.json (npm ci; 600 MB on disk, once) ...');
  const npm = process.env.npm_execpath;
  const problem = run(
    npm ? process.execPath : 'npm',
    [...(npm ? [npm] : []), 'ci', '--loglevel=error', '--no-fund', '--no-audit'],
    // The package of ONNX Runtime has the CPU build; its install script would fetch CUDA.
    { ONNXRUNTIME_NODE_INSTALL: 'skip', ONNXRUNTIME_NODE_INSTALL_CUDA: 'skip' },
  );
  if (problem) fail(`npm ci failed (${problem}). Its own message is above. Fix that, then run this again.`);
  prune(join(ROOT, 'node_modules'));
  const node = spawnSync(join(ROOT, 'node_modules/.bin/node'), ['--version'], { encoding: 'utf8' });
  if (!node.stdout?.startsWith('v24.'))
    fail(
      'npm did not install Node 24 (package "node"): were install scripts switched off? ' +
        'Run: npm config delete ignore-scripts, then run this again.',
    );
  writeStamp(stamp, wanted);
  done.push('npm packages');
}

const hadNextflow = hasNextflow();
const problem = run(join(ROOT, 'bin/nextflow'), [], { LANCEFLOW_NEXTFLOW: 'prepare' });
if (problem) fail(`Nextflow is not ready (${problem}). The message above says what to install.`);
if (hasNextflow() !== hadNextflow) done.push('Nextflow');

const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
say(
  done.length === 0
    ? `nothing to do, everything is installed (${seconds} s)`
    : `ready: ${done.join(' and ')} (${seconds} s)`,
);

/** Whether bin/nextflow has fetched Nextflow. */
function hasNextflow() {
  return existsSync(join(ROOT, '.tools/nextflow-24.10.0'));
}

/** Returns the name of this platform where LanceDB, ONNX Runtime or Node 24 have no program for it. */
function unsupportedPlatform() {
  const name = `${process.platform} ${process.arch}`;
  if (!['linux x64', 'linux arm64', 'darwin arm64'].includes(name)) return name;
  if (process.platform !== 'linux') return undefined;
  const { glibcVersionRuntime: glibc } = process.report.getReport().header;
  if (glibc === undefined) return `${name} without glibc (Alpine)`;
  const [major, minor] = glibc.split('.').map(Number);
  return major > 2 || minor >= 28 ? undefined : `${name} with glibc ${glibc}`;
}
