import { chmod, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT, run, temporaryFolder } from '../support/run.ts';

/** Creates a clone with bin/nextflow only, and programs of the test that precede the machine's on PATH. */
async function clone() {
  const folder = await temporaryFolder();
  const home = join(folder, 'a clone');
  const programs = join(folder, 'programs');
  await mkdir(join(home, 'bin'), { recursive: true });
  await mkdir(programs);
  await cp(join(ROOT, 'bin/nextflow'), join(home, 'bin/nextflow'));
  const program = async (name: string, body: string) => {
    await writeFile(join(programs, name), `#!/bin/sh\n${body}\n`);
    await chmod(join(programs, name), 0o755);
  };
  const path = [programs, '/usr/bin', '/bin'].join(delimiter);
  const start = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    run(join(home, 'bin/nextflow'), args, { cwd: folder, env: { HOME: folder, PATH: path, ...env } });
  return { folder, home, programs, program, start };
}

const log = (folder: string) => readFile(join(folder, 'calls'), 'utf8').catch(() => '');

/** An installed Nextflow of a version, which records its calls. */
const installed = (version: string) =>
  `echo "called $*" >> "$HOME/calls"\nif [ "$1" = -v ]; then echo "nextflow version ${version}.5928"; else echo "installed $*"; fi`;

describe('an installed Nextflow', () => {
  test('is preferred where its version suffices, and its version is read once', async () => {
    const { folder, program, start } = await clone();
    await program('nextflow', installed('24.10.3'));
    expect((await start(['run', 'a b', "it's"])).stdout).toBe("installed run a b it's\n");
    expect((await start(['info'])).stdout).toBe('installed info\n');
    expect(await log(folder)).toBe("called -v\ncalled run a b it's\ncalled info\n");
  });

  test('has its version read again when it changes', async () => {
    const { program, start } = await clone();
    await program('java', 'echo "bundled $*"; exit 0');
    await program('nextflow', installed('25.04.0'));
    expect((await start(['info'])).stdout).toBe('installed info\n');
    await program('nextflow', `${installed('23.10.1')}\n# longer`);
    const { code, stderr } = await start(['info']);
    expect(code).toBe(1);
    expect(stderr).toContain('Java 17 or newer');
  });

  test('is not mistaken for this launcher or that of another clone', async () => {
    const { home, programs, program, start } = await clone();
    await symlink(join(home, 'bin/nextflow'), join(programs, 'nextflow'));
    await program('java', '[ "$1" = -version ] && echo \'openjdk version "21.0.1"\' >&2 || echo "bundled"');
    await mkdir(join(home, '.tools/nextflow-24.10.0'), { recursive: true });
    const { stdout, code } = await start(['info']);
    expect({ stdout, code }).toEqual({ stdout: 'bundled\n', code: 0 });
  });
});

describe('Nextflow from Maven Central', () => {
  const JAVA = '[ "$1" = -version ] && echo \'openjdk version "17.0.1"\' >&2 || printf "%s\\n" "$@"';
  const MAVEN = `echo mvn >> "$HOME/calls"
for word in "$@"; do case $word in -DoutputDirectory=*) folder=\${word#-DoutputDirectory=} ;; esac; done
mkdir -p "$folder" && touch "$folder/a.jar"`;

  test('is fetched once and started with unchanged arguments', async () => {
    const { folder, home, program, start } = await clone();
    await program('java', JAVA);
    await program('mvn', MAVEN);
    await start(['info']);
    const { stdout } = await start(['run', 'a b', '$(x)'], { NXF_OPTS: '-Xmx1g -Xms1m' });
    const words = stdout.trimEnd().split('\n');
    expect(words.slice(-4)).toEqual(['nextflow.cli.Launcher', 'run', 'a b', '$(x)']);
    expect(words).toContain('-Xmx1g');
    expect(words).toContain('-Xms1m');
    expect(words).toContain('--add-opens=java.base/java.nio.file.spi=ALL-UNNAMED');
    expect(words).toContain(`${home}/.tools/nextflow-24.10.0/*`);
    expect(await log(folder)).toBe('mvn\n');
  });

  test('may fetch plugins, as -with-tower needs one, unless the user forbids it', async () => {
    const { program, start } = await clone();
    await program('mvn', MAVEN);
    await program(
      'java',
      '[ "$1" = -version ] && echo \'openjdk version "17.0.1"\' >&2 || echo "offline: $NXF_OFFLINE"',
    );
    expect((await start(['run', 'x', '-with-tower'])).stdout).toBe('offline: \n');
    expect((await start(['run', 'x'], { NXF_OFFLINE: 'true' })).stdout).toBe('offline: true\n');
  });

  test('that cannot be fetched leaves no files, and the message says what to do', async () => {
    const { folder, program, start } = await clone();
    await program('java', JAVA);
    await program('mvn', `${MAVEN}\nexit 1`);
    const { code, stderr } = await start(['info']);
    expect(code).toBe(1);
    expect(stderr).toContain("Check the network and Maven's settings");
    const { stdout } = await run('ls', [join(folder, 'a clone/.tools')]);
    expect(stdout).toBe('checked-java\n');
  });

  test('refuses a missing Java, an old one, and a wrong JAVA_HOME', async () => {
    const { folder, programs, program, start } = await clone();
    const withoutJava = { PATH: programs };
    for (const tool of ['readlink', 'dirname', 'head', 'grep', 'cat', 'ls', 'sed', 'mkdir', 'mv'])
      await symlink(`/usr/bin/${tool}`, join(programs, tool));
    expect((await start(['info'], withoutJava)).stderr).toContain('Java is missing. Install Java 17 or newer');
    await program('java', 'echo \'openjdk version "1.8.0_1"\' >&2');
    expect((await start(['info'])).stderr).toContain('is too old');
    expect((await start(['info'], { JAVA_HOME: folder })).stderr).toContain('where there is no bin/java');
  });
});
