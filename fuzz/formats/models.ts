import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as h5wasm from 'h5wasm/node';
import type { Case, Format, RunFacts } from '../engine/case.ts';
import type { Anatomy } from '../mutate/mutate.ts';

const CHECKPOINTS = fileURLToPath(new URL('../../test/models/checkpoints', import.meta.url));
const MODELS = ['esm2', 'amplify-swiglu'] as const;
const NOT_OF_THE_MODEL = new Set(['expected.safetensors']);
const EMBED = ['embed-sequences', '--model', 'model', '--input', 'x.fasta', '--threads', '1', '--output', 'x.h5'];

/** Model folders: a changed file must change the model's hash, and vectors must be finite. */
export const MODEL_FILES: Format = {
  name: 'model-folder',
  describe: 'embed-sequences on changed configurations, tokenizers, indexes of weights, and weights',
  weight: 3,
  async prepare(folder) {
    const cases: Case[] = [];
    for (const model of MODELS) {
      const template = await modelTemplate(join(folder, model), model);
      for (const name of await readdir(join(template, 'model'))) {
        const others = await Promise.all(MODELS.map(async (other) => join(CHECKPOINTS, other, name)));
        const partners = others.filter((path) => path.includes(model) || name === 'config.json');
        const base = {
          template,
          target: `model/${name}`,
          anatomy: anatomyOf(name),
          partners,
          outputs: ['x.h5'],
          writes: ['kept'],
        };
        for (const precision of ['float32', 'int8'])
          cases.push({
            ...base,
            name: `${model}, ${name}, ${precision}`,
            // An unfinished run saves its vectors for the next one.
            steps: [[...EMBED, '--precision', precision, '--checkpoints', 'kept']],
            answer: async (facts) =>
              `${facts.report(0).model_hash}\n${(await embeddedVectors(facts)).toString('base64')}`,
            explain: modelProblem,
          });
      }
    }
    return cases;
  },
};

function anatomyOf(name: string): Anatomy {
  if (name.endsWith('.safetensors')) return 'safetensors';
  return name.endsWith('.json') ? 'json' : 'text';
}

export async function modelTemplate(template: string, model: string): Promise<string> {
  await cp(join(CHECKPOINTS, model), join(template, 'model'), {
    recursive: true,
    filter: (path) => !NOT_OF_THE_MODEL.has(path.split('/').at(-1)!),
  });
  await cp(join(CHECKPOINTS, 'sequences.fasta'), join(template, 'x.fasta'));
  return template;
}

/** Reads the vectors of x.h5 as stored. */
export async function embeddedVectors({ folder }: RunFacts): Promise<Buffer> {
  await h5wasm.ready;
  const file = new h5wasm.File(join(folder, 'x.h5'), 'r');
  const { value } = file.get('embedding') as unknown as { value: Float32Array };
  file.close();
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

async function modelProblem(facts: RunFacts, answer: string, expected: string): Promise<string | undefined> {
  const bytes = await embeddedVectors(facts);
  const vectors = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  if (!vectors.every(Number.isFinite)) return 'vectors that are no numbers';
  const [hash, values] = answer.split('\n');
  const [validHash, validValues] = expected.split('\n');
  return values !== validValues && hash === validHash ? 'other vectors by the same model_hash' : undefined;
}

/** Cached vectors of an earlier run: damaged ones must be computed again. */
export const CACHES: Format = {
  name: 'vector-cache',
  describe: 'embed-sequences with changed files of --cache',
  weight: 1,
  async prepare(folder, tools) {
    const template = await modelTemplate(join(folder, 'cached'), MODELS[0]);
    const embed = [...EMBED, '--cache', 'cache'];
    await tools.run(template, embed);
    const files = await readdir(join(template, 'cache'), { recursive: true, withFileTypes: true });
    const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
    return paths.map((path): Case => {
      const target = path.slice(template.length + 1);
      return {
        name: target.endsWith('.keys') ? 'keys' : 'vectors',
        ...{ template, target, anatomy: 'bytes', partners: paths },
        ...{ steps: [embed], outputs: ['x.h5'], writes: ['cache'] },
        answer: async (facts) => (await embeddedVectors(facts)).toString('base64'),
        explain: () => 'another vector than the model computes',
      };
    });
  },
};

/** Parameters of a campaign: errors must be reported before any request to AWS, which does not answer here. */
export const PARAMS: Format = {
  name: 'params-file',
  describe: 'launch on changed parameters; AWS is not reached',
  weight: 1,
  async prepare(folder) {
    const template = join(folder, 'params');
    await mkdir(template, { recursive: true });
    const params = {
      ...{
        input: 's3://bucket/proteins',
        database: 's3://bucket/db',
        outdir: 's3://bucket/results',
        model: 'kmer',
        k: 10,
      },
      ...{ search: 'auto', target_recall: 0.95, exclude_self: true, aws_container: 'image', aws_region: 'us-east-1' },
      aws_job_role: 'arn:aws:iam::123456789012:role/lanceflow-task',
    };
    await writeFile(join(template, 'params.json'), JSON.stringify(params, null, 2));
    return [
      {
        name: 'launched',
        ...{ template, target: 'params.json', anatomy: 'json' },
        steps: [['launch', '--campaign', 'fuzz', '--params-file', 'params.json', '--work-dir', 's3://bucket/work']],
        outputs: [],
        normally: 75,
        answer: (facts) => readFile(facts.target, 'utf8'),
        explain: () => 'launched, where nobody answers',
      },
    ];
  },
};
