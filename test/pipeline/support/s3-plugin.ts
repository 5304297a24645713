import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, run } from '../../support/run.ts';
import { nextflow } from './nextflow.ts';

const JARS = join(ROOT, '.tools/nextflow-24.10.0');
const SOURCES = join(import.meta.dirname, 's3-plugin');
const BUNDLED = { LANCEFLOW_NEXTFLOW: 'bundled' };

/** A stand-in for a plugin of Nextflow. */
interface StandIn {
  id: string;
  version: string;
  sources: string[];
  plugin: string;
  /** Classes that Nextflow finds by their interfaces. */
  extensions: string[];
}

const STAND_INS: readonly StandIn[] = [
  {
    ...{ id: 'nf-amazon', version: '2.9.0', plugin: 'S3Plugin' },
    ...{
      sources: ['S3Plugin.groovy', 'BatchExecutor.groovy'],
      extensions: ['S3PathFactory', 'S3PathSerializer', 'BatchExecutor'],
    },
  },
  {
    ...{ id: 'nf-cloudcache', version: '0.4.2', plugin: 'CloudCachePlugin' },
    ...{ sources: ['CloudCache.groovy'], extensions: ['CloudCacheFactory'] },
  },
];

/**
 * Compiles the stand-ins for nf-amazon and nf-cloudcache (s3-plugin/) with Nextflow's own compiler into the folder's `plugins`.
 * @returns the environment in which Nextflow loads them
 */
export async function makeS3Plugin(folder: string): Promise<NodeJS.ProcessEnv> {
  if (!existsSync(JARS)) await nextflow(['-v'], folder, BUNDLED);
  const plugins = join(folder, 'plugins');
  const jars = (await readdir(JARS)).map((name) => join(JARS, name)).join(':');
  await Promise.all(STAND_INS.map((standIn) => compile(standIn, plugins, jars)));
  return { ...BUNDLED, NXF_PLUGINS_DIR: plugins };
}

async function compile(standIn: StandIn, plugins: string, jars: string): Promise<void> {
  const { id, version, sources, plugin, extensions } = standIn;
  const classes = join(plugins, `${id}-${version}/classes`);
  await mkdir(join(classes, 'META-INF'), { recursive: true });
  const files = sources.map((name) => join(SOURCES, name));
  const compiler = ['-cp', jars, 'org.codehaus.groovy.tools.FileSystemCompiler', '-cp', jars, '-d', classes, ...files];
  const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin/java') : 'java';
  const { code, stderr } = await run(java, compiler);
  if (code !== 0) throw new Error(`the stand-in for ${id} was not compiled:\n${stderr}`);
  for (const name of ['staging.sh', 'launch-24.10.txt']) await cp(join(SOURCES, name), join(classes, name));
  const named = extensions.map((name) => `lanceflow.test.${name}\n`).join('');
  await writeFile(join(classes, 'META-INF/extensions.idx'), named);
  const manifest = {
    ...{ 'Manifest-Version': '1.0', 'Plugin-Class': `lanceflow.test.${plugin}`, 'Plugin-Id': id },
    ...{ 'Plugin-Version': version, 'Plugin-Provider': 'LanceFlow', 'Plugin-Requires': '>=24.04.4' },
  };
  const lines = Object.entries(manifest).map(([name, value]) => `${name}: ${value}\n`);
  await writeFile(join(classes, 'META-INF/MANIFEST.MF'), lines.join(''));
}
