// Creates virtual environments of pinned packages, which only comparisons need: `python` for the tests with other clients (h5py, pandas,
// DuckDB, LanceDB for Python, FAISS), `bench` for the benchmark of embedding with PyTorch. `lancedb-*` are folders of one older
// package, the oldest supported versions of docs/output.md, which precede `python` on Python's module path.
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
  'lancedb-0.24': {
    requirements: 'test/clients/lancedb-0.24.txt',
    folder: '.tools/lancedb-0.24',
    size: '90 MB',
    over: 'python',
  },
  'lancedb-0.30': {
    requirements: 'test/clients/lancedb-0.30.txt',
    folder: '.tools/lancedb-0.30',
    size: '120 MB',
    over: 'python',
  },
};
const asked = process.argv.slice(2);
const names = asked.length > 0 ? asked : ['python', 'lancedb-0.24', 'lancedb-0.30'];
const say = (name, text) => process.stderr.write(`setup:${name}: ${text}\n`);

/** Runs Python with its output on standard error; exits where it fails. */
function run(name, program, args, what) {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  say(name, `${what} failed${error ? ` (${error.message})` : ''}. Python's own message is above.`);
  process.exit(1);
}

const PROGRAM = 'import sys, venv, ensurepip; print(sys.version_info >= (3, 11))';
const python = ['python3', 'python'].find(
  (name) => spawnSync(name, ['-c', PROGRAM], { encoding: 'utf8' }).stdout?.trim() === 'True',
);
if (!python) {
  say(
    names[0],
    'Python 3.11 or newer with venv is missing (Debian, Ubuntu: apt install python3-venv; macOS: brew install python).',
  );
  process.exit(1);
}

for (const name of names) {
  const environment = ENVIRONMENTS[name];
  const requirements = join(ROOT, environment.requirements);
  const folder = join(ROOT, environment.folder);
  const stamp = join(folder, '.lanceflow-setup');
  const wanted = fingerprint([requirements], [process.platform, process.arch]);
  if (isStamped(stamp, wanted)) {
    say(name, 'nothing to do, everything is installed');
    continue;
  }
  say(name, `installing ${requirements} into ${folder} (${environment.size} on disk, once) ...`);
  rmSync(folder, { recursive: true, force: true });
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirements];
  if (environment.over) {
    const program = join(ROOT, ENVIRONMENTS[environment.over].folder, 'bin/python');
    run(name, program, [...pip, '--no-deps', '--target', folder], 'pip install');
  } else {
    run(name, python, ['-m', 'venv', folder], 'python -m venv');
    run(name, join(folder, 'bin/python'), pip, 'pip install');
  }
  writeStamp(stamp, wanted);
  say(name, 'ready');
}
