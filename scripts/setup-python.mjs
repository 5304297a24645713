// Makes a virtual environment of pinned packages. Only comparisons need one: `python`, the tests with other clients (h5py,
// pandas, DuckDB, LanceDB for Python, FAISS); `bench`, the benchmark of embedding with PyTorch.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint, isStamped, ROOT, writeStamp } from './stamp.mjs';

const ENVIRONMENTS = {
  python: { requirements: 'test/requirements.txt', folder: '.tools/python', size: '700 MB' },
  bench: {
    requirements: 'bench/requirements.txt',
    folder: '.tools/torch',
    size: 'up to 6 GB: on Linux, CUDA comes along',
  },
};
const [name = 'python'] = process.argv.slice(2);
const environment = ENVIRONMENTS[name];
const say = (text) => process.stderr.write(`setup:${name}: ${text}\n`);
const requirements = join(ROOT, environment.requirements);
const folder = join(ROOT, environment.folder);
const stamp = join(folder, '.lanceflow-setup');

/** Runs Python; its output goes to this terminal. */
function run(program, args, what) {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  say(`${what} failed${error ? ` (${error.message})` : ''}. Python's own message is above.`);
  process.exit(1);
}

const PROGRAM = 'import sys, venv, ensurepip; print(sys.version_info >= (3, 11))';
const python = ['python3', 'python'].find(
  (name) => spawnSync(name, ['-c', PROGRAM], { encoding: 'utf8' }).stdout?.trim() === 'True',
);
if (!python) {
  say(
    'Python 3.11 or newer with venv is missing (Debian, Ubuntu: apt install python3-venv; macOS: brew install python).',
  );
  process.exit(1);
}

const wanted = fingerprint([requirements], [process.platform, process.arch]);
if (isStamped(stamp, wanted)) {
  say('nothing to do, all is there');
} else {
  say(`installing ${requirements} into ${folder} (${environment.size} on disk, once) ...`);
  rmSync(folder, { recursive: true, force: true });
  run(python, ['-m', 'venv', folder], 'python -m venv');
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirements];
  run(join(folder, 'bin/python'), pip, 'pip install');
  writeStamp(stamp, wanted);
  say('ready');
}
