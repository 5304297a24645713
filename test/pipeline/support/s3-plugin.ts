import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, run } from '../../support/run.ts';
import { nextflow } from './nextflow.ts';

const JARS = join(ROOT, '.tools/nextflow-24.10.0');
const SOURCE = join(import.meta.dirname, 's3-plugin/S3Plugin.groovy');
const BUNDLED = { LANCEFLOW_NEXTFLOW: 'bundled' };
const MANIFEST = `Manifest-Version: 1.0
Plugin-Class: lanceflow.test.S3Plugin
Plugin-Id: nf-amazon
Plugin-Version: 2.9.0
Plugin-Provider: LanceFlow
Plugin-Requires: >=24.04.4
`;

/**
 * Compiles the stand-in for Nextflow's AWS plugin (s3-plugin/S3Plugin.groovy), by the compiler that Nextflow brings.
 * @returns the environment in which Nextflow takes it for its own
 */
export async function makeS3Plugin(folder: string): Promise<NodeJS.ProcessEnv> {
  if (!existsSync(JARS)) await nextflow(['-v'], folder, BUNDLED);
  const plugins = join(folder, 'plugins');
  const classes = join(plugins, 'nf-amazon-2.9.0/classes');
  await mkdir(join(classes, 'META-INF'), { recursive: true });
  const jars = (await readdir(JARS)).map((name) => join(JARS, name)).join(':');
  const compiler = ['-cp', jars, 'org.codehaus.groovy.tools.FileSystemCompiler', '-cp', jars, '-d', classes, SOURCE];
  const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin/java') : 'java';
  const { code, stderr } = await run(java, compiler);
  if (code !== 0) throw new Error(`the stand-in for the AWS plugin was not compiled:\n${stderr}`);
  await writeFile(join(classes, 'META-INF/MANIFEST.MF'), MANIFEST);
  await writeFile(join(classes, 'META-INF/extensions.idx'), 'lanceflow.test.S3PathFactory\n');
  return { ...BUNDLED, NXF_PLUGINS_DIR: plugins };
}
