import { mkdir, open, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchModel } from './embed-shapes.ts';

const ARRAY_OF = { F32: Float32Array, F16: Float16Array };
type WeightType = keyof typeof ARRAY_OF;

const LETTERS = 'LAGVSERTIDPKQNFYMHWC';

/** Reproducible random numbers in [0, 1) (xorshift). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
}

/** Random proteins with lengths as in UniRef50: log-normal, median 250, 30 to 1500. */
export function makeSequences(count: number): string[] {
  const next = random(7);
  return Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    const length = Math.round(Math.min(1500, Math.max(30, 250 * Math.exp(0.65 * normal))));
    return Array.from({ length }, () => LETTERS[Math.floor(next() * LETTERS.length)]).join('');
  });
}

/** Writes a checkpoint of the model with random weights, unless it exists. */
export async function makeModel(folder: string, model: BenchModel, layers: number, type: WeightType): Promise<string> {
  const path = join(folder, `${model.name}-${model.dimension}x${layers}-${type}`);
  if (await stat(join(path, 'config.json')).catch(() => undefined)) return path;
  await mkdir(path, { recursive: true });
  await writeWeights(join(path, 'model.safetensors'), model, layers, type);
  await writeFile(join(path, 'tokenizer.json'), JSON.stringify(model.tokenizer));
  await writeFile(join(path, 'config.json'), JSON.stringify(model.config(layers)));
  return path;
}

/** Matrices uniform with variance 1 / inputs, unless the model scales them; norms of 1. */
async function writeWeights(path: string, model: BenchModel, layers: number, type: WeightType): Promise<void> {
  const shapes = model.shapes(layers);
  const ArrayOf = ARRAY_OF[type];
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const [name, shape] of shapes) {
    const start = end;
    end += ArrayOf.BYTES_PER_ELEMENT * countOf(shape);
    header[name] = { dtype: type, shape, data_offsets: [start, end] };
  }
  const json = JSON.stringify(header);
  const text = json.padEnd(Math.ceil(json.length / 8) * 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const next = random(1);
  const file = await open(path, 'w');
  try {
    await file.write(Buffer.concat([length, Buffer.from(text)]));
    for (const [name, shape] of shapes) {
      const values = new ArrayOf(countOf(shape)).fill(1);
      const width = shape.length > 1 ? Math.sqrt(12 / shape[1]!) * (model.weightScale?.(name) ?? 1) : 0;
      if (width > 0) for (let i = 0; i < values.length; i++) values[i] = width * (next() - 0.5);
      await file.write(new Uint8Array(values.buffer));
    }
  } finally {
    await file.close();
  }
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
