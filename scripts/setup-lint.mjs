// Fetches Nextflow's parser of the strict syntax from Maven Central, which only the test of the pipeline's syntax needs.
import { spawnSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint, isStamped, ROOT, writeStamp } from './stamp.mjs';

const say = (text) => process.stderr.write(`setup:lint: ${text}\n`);
const pom = join(ROOT, 'scripts/nextflow/lint/pom.xml');
const folder = join(ROOT, '.tools/nextflow-lint');
const stamp = join(folder, '.lanceflow-setup');
const wanted = fingerprint([pom]);

if (isStamped(stamp, wanted)) {
  say('nothing to do, everything is installed');
} else {
  say("fetching Nextflow's parser of the strict syntax from Maven Central (10 MB, once) ...");
  const temporary = `${folder}.tmp.${process.pid}`;
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
  const options = ['-q', '-B', '-Dstyle.color=never', '-DincludeScope=runtime', `-DoutputDirectory=${temporary}`];
  const { status, error } = spawnSync('mvn', ['-f', pom, goal, ...options], { stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    rmSync(temporary, { recursive: true, force: true });
    say(
      error
        ? 'Maven is missing: install it (Debian, Ubuntu: apt install maven).'
        : 'Maven failed; its own message is above.',
    );
    process.exit(1);
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(temporary, folder);
  writeStamp(stamp, wanted);
  say('ready');
}
