import { readFileSync } from 'node:fs';

/** Version of LanceFlow, from package.json. */
export const LANCEFLOW_VERSION: string = readVersion('../../../package.json');

/** Version of the LanceDB client. */
export const LANCEDB_VERSION: string = readVersion('../../../node_modules/@lancedb/lancedb/package.json');

/** Identifies the worker's code. The pipeline passes a hash of the sources, so that a changed worker rebuilds tables. */
export const BUILD_ID: string = process.env.LANCEFLOW_WORKER || LANCEFLOW_VERSION;

function readVersion(path: string): string {
  const { version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { version: string };
  return version;
}
