// Removes files of npm packages that Node never loads here: binaries of other platforms, builds for browsers and bundlers, headers and
// second copies. `npm run setup` and the workers' image run it after npm ci; a second run finds nothing to do.
//   node scripts/prune.mjs FOLDER    FOLDER: a node_modules
import { existsSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const UNUSED = [
  // The package keeps the program itself in its own bin/; this is a second link to it, with Node's headers.
  'node/node_modules',
  'parquet-wasm/bundler',
  'parquet-wasm/esm',
  'h5wasm/dist/esm',
  'h5wasm/dist/iife',
  'zod/src',
  'apache-arrow/src',
];

/** Removes what this platform does not use from a `node_modules`, but nothing of packages that are links (`npm link`). */
export function prune(modules, platform = process.platform, arch = process.arch) {
  for (const path of [...UNUSED, ...otherRuntimes(modules, platform, arch)].map((name) => join(modules, name)))
    if (existsSync(path) && realpathSync(path).startsWith(`${realpathSync(modules)}${sep}`))
      rmSync(path, { recursive: true, force: true });
}

/** Lists ONNX Runtime's libraries of other platforms: bin/napi-v6/<platform>/<architecture>. */
function otherRuntimes(modules, platform, arch) {
  const bin = 'onnxruntime-node/bin';
  const folders = (path) => (existsSync(join(modules, path)) ? readdirSync(join(modules, path)) : []);
  return folders(bin)
    .flatMap((abi) => folders(`${bin}/${abi}`).map((system) => `${bin}/${abi}/${system}`))
    .flatMap((path) => folders(path).map((name) => `${path}/${name}`))
    .filter((path) => !path.endsWith(`/${platform}/${arch}`));
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) prune(process.argv[2]);
