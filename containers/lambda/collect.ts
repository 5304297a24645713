// Copies what the functions of AWS Lambda load into the root of an image: their sources, the packages that these import, Node, the runtime
// client, and the system's libraries that Node and the native packages need. Runs in the build stage of containers/lambda/Dockerfile.
//   node collect.ts ROOT    ROOT: the folder that becomes the image
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const HOME = '/opt/lanceflow';
const MODULES = join(HOME, 'node_modules');
const CLIENT = '/opt/client/node_modules';
const HANDLERS = join(HOME, 'workers/src/cloud/lambda/handlers');
const TASK = '/var/task';

/** Matches imports of values or for their effect, exports from modules, and the files of threads. */
const IMPORT =
  /^(?:import|export)\s(?!type\b)[^;]*?from\s'([^']+)'|^import\s'([^']+)';|\bimport\(\s*'([^']+)'\s*\)|new URL\('(\.[^']+)', import\.meta\.url\)/gm;
/** Files of packages that Node does not load: types, builds for bundlers. scripts/prune.mjs has removed the larger ones. */
const NOT_LOADED = /\.(d\.[cm]?ts|map|md|flow)$|\/(dist-es|dist-types)$/;

const root = resolve(process.argv[2] ?? '');
const handlers = readdirSync(HANDLERS).map((file) => join(HANDLERS, file));
const sources = new Set<string>();
const packages = new Set<string>();
for (const file of handlers) collectSource(file);
for (const file of [...sources, join(HOME, 'package.json')]) copy(file);
for (const name of packages) copyPackage(MODULES, name);
for (const name of ['aws-lambda-ric', '@aws/lambda-invoke-store']) copyPackage(CLIENT, name);
copy(realpathSync(join(MODULES, 'node/bin/node')), '/usr/local/bin/node');
for (const file of handlers) writeHandler(file);
copySystem();

/** Follows the imports of a source. */
function collectSource(file: string): void {
  if (sources.has(file)) return;
  sources.add(file);
  for (const [, from, alone, late, thread] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
    const name = from ?? alone ?? late ?? thread!;
    if (name.startsWith('.')) collectSource(resolve(dirname(file), name));
    else if (!name.startsWith('node:'))
      collectPackage(
        name
          .split('/')
          .slice(0, name.startsWith('@') ? 2 : 1)
          .join('/'),
      );
  }
}

/** Follows the dependencies of a package, of which npm has installed those of this platform. */
function collectPackage(name: string): void {
  const file = join(MODULES, name, 'package.json');
  if (packages.has(name) || !existsSync(file)) return;
  packages.add(name);
  const { dependencies, optionalDependencies, peerDependencies } = JSON.parse(readFileSync(file, 'utf8'));
  for (const each of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }))
    collectPackage(each);
}

function copyPackage(from: string, name: string): void {
  cpSync(join(from, name), join(root, from, name), { recursive: true, filter: (path) => !NOT_LOADED.test(path) });
}

function copy(from: string, to = from): void {
  mkdirSync(dirname(join(root, to)), { recursive: true });
  copyFileSync(realpathSync(from), join(root, to));
}

/** Writes the module that the runtime client loads: it finds no TypeScript. `embed-handler.ts` becomes `embed.mjs`. */
function writeHandler(file: string): void {
  const name = /(\w[\w-]*)-handler\.ts$/.exec(file)![1]!;
  mkdirSync(join(root, TASK), { recursive: true });
  writeFileSync(join(root, TASK, `${name}.mjs`), `export { handler } from '${file}';\n`);
}

/** Copies libraries that binaries are linked with, those that glibc loads by name, and /tmp. */
function copySystem(): void {
  const binaries = (readdirSync(root, { recursive: true }) as string[])
    .map((path) => join(root, path))
    .filter((path) => /\.node$|\.so(\.\d+)*$|\/bin\/node$/.test(path));
  const linked = binaries.flatMap((path) => {
    // Symbols that only a debugger reads: 50 MB.
    execFileSync('strip', ['--strip-unneeded', path]);
    return Array.from(
      execFileSync('ldd', [path], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g),
      ([, library]) => library!,
    );
  });
  const libraries = new Set(linked.filter((library) => !library.startsWith(root) && !library.startsWith('/opt/')));
  for (const library of libraries) copy(library);
  const folder = dirname([...libraries].find((library) => library.endsWith('/libc.so.6'))!);
  for (const name of ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2']) copy(join(folder, name));
  for (const file of ['/etc/nsswitch.conf', '/etc/passwd', '/etc/group']) copy(file);
  mkdirSync(join(root, 'tmp'), { recursive: true, mode: 0o1777 });
}
