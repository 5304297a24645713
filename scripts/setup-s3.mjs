// Builds .tools/versitygw, an S3 server in Go that serves a folder: only tests and benchmarks on S3 need it. Go fetches and builds
// it once, in some minutes.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fingerprint, isStamped, ROOT, writeStamp } from './stamp.mjs';

const VERSION = 'v1.8.0';

const say = (text) => process.stderr.write(`setup:s3: ${text}\n`);
const folder = join(ROOT, '.tools/versitygw');
const stamp = join(folder, '.lanceflow-setup');
const wanted = fingerprint([], [VERSION, process.platform, process.arch]);

if (isStamped(stamp, wanted)) {
  say('nothing to do, everything is installed');
  process.exit(0);
}
const { stdout: version } = spawnSync('go', ['version'], { encoding: 'utf8' });
if (!version) {
  say('*** Go is missing: install it from go.dev (Debian 12 has one that is too old: 1.21 or newer is needed). ***');
  process.exit(1);
}
say(`building versitygw ${VERSION} with ${version.trim()} (some minutes, once) ...`);
const { status } = spawnSync('go', ['install', `github.com/versity/versitygw/cmd/versitygw@${VERSION}`], {
  // Go fetches a newer version of itself where versitygw requires one.
  env: { ...process.env, GOBIN: folder, GOTOOLCHAIN: 'auto', CGO_ENABLED: '0' },
  stdio: ['ignore', 2, 2],
});
if (status !== 0) {
  say(`*** versitygw could not be built with ${version.trim()}. Go's own message is above. ***`);
  process.exit(1);
}
writeStamp(stamp, wanted);
say('ready');
