import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, run } from '../../support/run.ts';

/** The Debian release of the Dockerfile's base. */
const SUITE = 'bookworm';

// debootstrap flushes thousands of small files: in memory this takes half of the time. The mount is private to this shell, and ends with
// it. Files that a "slim" image lacks are removed.
const MAKE = `
mount -t tmpfs -o size=2g,mode=755 tmpfs "$1"
debootstrap --variant=minbase --include=ca-certificates "$2" "$1/root" $4 >"$1/log" 2>&1 || { tail -n 20 "$1/log" >&2; exit 1; }
tar -C "$1/root" --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' --exclude='./usr/share/doc/*' \
  --exclude='./usr/share/locale/*' --exclude='./usr/share/man/*/*' -cf "$3" .
`;

/**
 * Creates a Debian root as a file that podman can import as an image; kept in .tools until this recipe changes.
 */
export async function baseImage(): Promise<string> {
  const folder = join(ROOT, '.tools/containers');
  const stamp = createHash('sha256').update(`${MAKE}${SUITE}${process.arch}`).digest('hex').slice(0, 16);
  const file = join(folder, `${SUITE}-${stamp}.tar`);
  if (existsSync(file)) return file;
  await mkdir(folder, { recursive: true });
  for (const old of await readdir(folder)) await rm(join(folder, old));
  const place = await mkdtemp(join(tmpdir(), 'lanceflow-test-'));
  try {
    const temporary = `${file}.${process.pid}.tmp`;
    const args = ['sh', place, SUITE, temporary, await mirror()];
    const { code, stderr } = await run('unshare', ['--mount', 'sh', '-euc', MAKE, ...args]);
    if (code !== 0) throw new Error(`no base image: debootstrap ended with ${code}:\n${stderr}`);
    await rename(temporary, file);
  } finally {
    await rm(place, { recursive: true });
  }
  return file;
}

/** Returns this machine's package mirror; '' for debootstrap's default. */
async function mirror(): Promise<string> {
  const format = ['--format', '$(CODENAME) $(COMPONENT) $(REPO_URI)', 'Created-By: Packages'];
  const { stdout } = await run('apt-get', ['indextargets', ...format]);
  const line = stdout.split('\n').find((text) => text.startsWith(`${SUITE} main `));
  return line?.split(' ')[2] ?? '';
}
