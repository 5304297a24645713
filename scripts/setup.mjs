// Sets up all that LanceFlow needs: npm packages (Node 24 is one of them) and Nextflow. `npm run demo` and
// `npm test` call it first. Plain JavaScript for the Node that the machine already has (20 or newer).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint, isStamped, ROOT, writeStamp } from './stamp.mjs';

const startedMs = Date.now();
const say = (text) => process.stderr.write(`setup: ${text}\n`);

function fail(text) {
  say(text);
  process.exit(1);
}

/** Runs a program to its end in the repository; its output goes to this terminal. */
function run(program, args, env = {}) {
  const { status, signal, error } = spawnSync(program, args, {
    cwd: ROOT,
    // Standard output belongs to what is run after the set-up.
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
if (process.platform === 'win32')
  fail('Windows is not supported directly. Run LanceFlow in WSL 2, where Nextflow runs too.');

const done = [];

// The packages that npm installs depend on the platform too: a checkout can move between machines.
const wanted = fingerprint([join(ROOT, 'package-lock.json')], [process.platform, process.arch]);
const stamp = join(ROOT, 'node_modules/.lanceflow-setup');
if (!isStamped(stamp, wanted)) {
  say('installing the packages of package-lock.json (npm ci; 900 MB on disk, once) ...');
  const npm = process.env.npm_execpath;
  const problem = run(
    npm ? process.execPath : 'npm',
    [...(npm ? [npm] : []), 'ci', '--loglevel=error', '--no-fund', '--no-audit'],
    // The CPU build of ONNX Runtime is in its package; its install script would fetch CUDA.
    { ONNXRUNTIME_NODE_INSTALL: 'skip', ONNXRUNTIME_NODE_INSTALL_CUDA: 'skip' },
  );
  if (problem) fail(`npm ci failed (${problem}). Its own message is above. Fix that, then run this again.`);
  const node = spawnSync(join(ROOT, 'node_modules/.bin/node'), ['--version'], { encoding: 'utf8' });
  if (!node.stdout?.startsWith('v24.'))
    fail(
      'npm did not install Node 24 (package "node"): were install scripts switched off? ' +
        'Run: npm config delete ignore-scripts, then run this again.',
    );
  writeStamp(stamp, wanted);
  done.push('npm packages');
}

const jarsBefore = nextflowState();
const problem = run(join(ROOT, 'bin/nextflow'), [], { LANCEFLOW_NEXTFLOW: 'prepare' });
if (problem) fail(`Nextflow is not ready (${problem}). The message above says what to install.`);
if (nextflowState() !== jarsBefore) done.push('Nextflow');

const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
say(done.length === 0 ? `nothing to do, all is there (${seconds} s)` : `ready: ${done.join(' and ')} (${seconds} s)`);

/** Whether bin/nextflow has fetched Nextflow. */
function nextflowState() {
  return existsSync(join(ROOT, '.tools/nextflow-24.10.0'));
}
