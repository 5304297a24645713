// Builds the Go programs that only tests and benchmarks need: `versitygw`, an S3 server that serves a folder, and `lambda`, AWS's runtime
// interface emulator. Go fetches and builds each once, in some minutes.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fingerprint, isStamped, ROOT, writeStamp } from './stamp.mjs';

const PROGRAMS = {
  versitygw: {
    module: 'github.com/versity/versitygw/cmd/versitygw',
    version: 'v1.8.0',
    label: 's3',
    minutes: 'some minutes',
  },
  lambda: {
    module: 'github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie',
    version: 'v0.0.0-20261030222936-bef5c4ba774d',
    label: 'lambda',
    minutes: 'a minute',
  },
};

for (const name of process.argv.slice(2)) build(name, PROGRAMS[name]);

function build(name, { module, version, label, minutes }) {
  const say = (text) => process.stderr.write(`setup:${label}: ${text}\n`);
  const folder = join(ROOT, '.tools', name);
  const stamp = join(folder, '.lanceflow-setup');
  const wanted = fingerprint([], [version, process.platform, process.arch]);
  if (isStamped(stamp, wanted)) {
    say('nothing to do, everything is installed');
    return;
  }
  const { stdout: go } = spawnSync('go', ['version'], { encoding: 'utf8' });
  if (!go) {
    say('*** Go is missing: install it from go.dev (Debian 12 has one that is too old: 1.21 or newer is needed). ***');
    process.exit(1);
  }
  say(`building ${module.split('/').at(-1)} ${version} with ${go.trim()} (${minutes}, once) ...`);
  const { status } = spawnSync('go', ['install', `${module}@${version}`], {
    // Go fetches a newer version of itself where a program requires one.
    env: { ...process.env, GOBIN: folder, GOTOOLCHAIN: 'auto', CGO_ENABLED: '0' },
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    say(`*** ${name} could not be built with ${go.trim()}. Go's own message is above. ***`);
    process.exit(1);
  }
  writeStamp(stamp, wanted);
  say('ready');
}
