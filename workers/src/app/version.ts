import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

/** Version of LanceFlow, from package.json. */
export const LANCEFLOW_VERSION: string = readVersion(new URL('../../../package.json', import.meta.url));

/** Returns the version of the LanceDB client. */
export function lancedbVersion(): string {
  return readVersion(findPackageJSON('@lancedb/lancedb', import.meta.url)!);
}

/** Identifies the worker's code. The pipeline passes a hash of the sources, so that a changed worker rebuilds tables. */
export const BUILD_ID: string = process.env.LANCEFLOW_WORKER || LANCEFLOW_VERSION;

function readVersion(file: string | URL): string {
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return version;
}
