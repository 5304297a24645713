/**
 * Embedding with the shape of a published model and random weights, against PyTorch on the same sequences and threads:
 *
 *   npm run setup:bench
 *   npm run bench -- embed [--model amplify|esmc|prott5|ankh] [--layers 32] [--sequences 32] [--repeats 2] [--threads N] [--folder DIR] [--save]
 *
 * PyTorch computes sorted sequences, 1 and 4 at a time; the better rate counts. The programs alternate, so that other load on
 * the machine affects all of them. The matrix products of the model alone show the machine's limit. LanceFlow also computes in
 * 8 bits, and with weights stored as float16. Prints one JSON object. Takes about eight minutes on 2 cores, and 2.2 GB of
 * disk; `--layers 4` is a trial of a minute and 270 MB.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureGemm } from './embed-gemm.ts';
import { makeModel, makeSequences } from './embed-model.ts';
import { BENCH_MODELS, type BenchModel, modelFlops } from './embed-shapes.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DEFAULT_PYTHON = join(ROOT, '.tools/torch/bin/python');

interface Run {
  loadSeconds: number;
  seconds: number;
  peakMemoryBytes: number;
  /** At the end, without memory that only loading used. */
  residentBytes: number;
  version?: string;
}

interface Options {
  shape: BenchModel;
  layers: number;
  sequences: number;
  repeats: number;
  threads: number;
  folder: string;
  python: string;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: 'amplify' },
      layers: { type: 'string' },
      sequences: { type: 'string', default: '32' },
      repeats: { type: 'string', default: '2' },
      threads: { type: 'string', default: String(availableParallelism()) },
      folder: { type: 'string' },
      python: { type: 'string', default: DEFAULT_PYTHON },
    },
  });
  if (!existsSync(values.python))
    throw new Error(`${values.python} is missing: run npm run setup:bench, or name another with --python.`);
  const shape = BENCH_MODELS[values.model];
  if (!shape) throw new Error(`--model must be one of ${Object.keys(BENCH_MODELS).join(', ')}.`);
  const folder = values.folder ?? join(tmpdir(), `lanceflow-bench-embed-${process.pid}`);
  await mkdir(folder, { recursive: true });
  try {
    const layers = Number(values.layers ?? shape.layers);
    const [sequences, repeats, threads] = [values.sequences, values.repeats, values.threads].map(Number) as [
      number,
      number,
      number,
    ];
    const result = await compare({ shape, layers, sequences, repeats, threads, folder, python: values.python });
    console.log(JSON.stringify(result, null, 2));
  } finally {
    if (values.folder === undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function compare({ shape, layers, sequences: count, repeats, threads, folder, python }: Options) {
  const model = await makeModel(folder, shape, layers, 'F32');
  const model16 = await makeModel(folder, shape, layers, 'F16');
  const sequences = makeSequences(count);
  const fasta = join(folder, 'sequences.fasta');
  await writeFile(fasta, sequences.map((sequence, i) => `>s${i}\n${sequence}\n`).join(''));
  const tokens = sequences.reduce((sum, sequence) => sum + sequence.length + shape.specialTokens, 0);
  const flops = sequences.reduce(
    (sum, sequence) => sum + modelFlops(shape, layers, sequence.length + shape.specialTokens),
    0,
  );

  const worker = fileURLToPath(new URL('./embed-worker.ts', import.meta.url));
  const programs: Record<string, (output: string) => Promise<Run>> = {
    lanceflow: (output) => run(process.execPath, [worker, model, fasta, 'float32', `${threads}`, output]),
    lanceflowInt8: (output) => run(process.execPath, [worker, model, fasta, 'int8', `${threads}`, output]),
    lanceflowF16Weights: (output) => run(process.execPath, [worker, model16, fasta, 'float32', `${threads}`, output]),
    pytorch1: (output) => runTorch(python, shape.script, [model, fasta, '1', `${threads}`, output]),
    pytorch4: (output) => runTorch(python, shape.script, [model, fasta, '4', `${threads}`, output]),
  };
  const runs: Record<string, Run[]> = {};
  const gemmFlopsPerSecond: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    gemmFlopsPerSecond.push(await measureGemm(shape, threads));
    for (const [name, program] of Object.entries(programs)) {
      const one = await program(join(folder, `${name}.f32`));
      runs[name] = [...(runs[name] ?? []), one];
      process.stderr.write(`${name}: ${(tokens / one.seconds).toFixed(0)} tokens/s\n`);
    }
  }
  const best = Object.fromEntries(
    Object.entries(runs).map(([name, all]) => [name, all.reduce((a, b) => (b.seconds < a.seconds ? b : a))]),
  ) as Record<string, Run>;
  const torch = best.pytorch1!.seconds < best.pytorch4!.seconds ? best.pytorch1! : best.pytorch4!;
  const gemm = Math.max(...gemmFlopsPerSecond);
  const ours = best.lanceflow!;
  const vectorsOf = (name: string) => readVectors(join(folder, `${name}.f32`));
  return {
    model: shape.config(layers),
    sequences: count,
    tokens,
    threads,
    torchVersion: torch.version,
    runs: Object.fromEntries(Object.entries(best).map(([name, one]) => [name, describe(one, tokens)])),
    timesPytorch: torch.seconds / ours.seconds,
    timesPytorchInt8: torch.seconds / best.lanceflowInt8!.seconds,
    peakMemoryShareOfPytorch: ours.peakMemoryBytes / torch.peakMemoryBytes,
    residentShareOfPytorch: ours.residentBytes / torch.residentBytes,
    gemmGflopsPerSecond: gemm / 1e9,
    shareOfGemmRate: flops / ours.seconds / gemm,
    largestErrorAgainstPytorch: largestError(
      shape.dimension,
      await vectorsOf('lanceflow'),
      await vectorsOf('pytorch1'),
    ),
    meanCosineInt8: meanCosine(shape.dimension, await vectorsOf('lanceflowInt8'), await vectorsOf('lanceflow')),
  };
}

function describe({ loadSeconds, seconds, peakMemoryBytes, residentBytes }: Run, tokens: number) {
  const megabytes = (bytes: number) => Math.round(bytes / 1e6);
  return {
    tokensPerSecond: Math.round(tokens / seconds),
    loadSeconds,
    peakMemoryMB: megabytes(peakMemoryBytes),
    residentMB: megabytes(residentBytes),
  };
}

function runTorch(python: string, script: string, args: readonly string[]) {
  return run(python, [fileURLToPath(new URL(script, import.meta.url)), ...args]);
}

function run(program: string, args: readonly string[]): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(JSON.parse(text) as Run) : reject(new Error(`${program} ended with ${code}`)),
    );
  });
}

async function readVectors(path: string): Promise<Float32Array> {
  const bytes = await readFile(path);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** Returns the largest difference within a vector, as a share of its largest component. */
function largestError(dimension: number, got: Float32Array, want: Float32Array): number {
  const others = rowsOf(dimension, got);
  return Math.max(
    ...rowsOf(dimension, want).map((row, i) => {
      const other = others[i]!;
      const difference = Math.max(...row.map((value, c) => Math.abs(value - other[c]!)));
      return difference / Math.max(...row.map(Math.abs));
    }),
  );
}

function meanCosine(dimension: number, a: Float32Array, b: Float32Array): number {
  const others = rowsOf(dimension, b);
  const cosines = rowsOf(dimension, a).map(
    (row, i) => dot(row, others[i]!) / Math.sqrt(dot(row, row) * dot(others[i]!, others[i]!)),
  );
  return cosines.reduce((sum, value) => sum + value, 0) / cosines.length;
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

function rowsOf(dimension: number, vectors: Float32Array): Float32Array[] {
  return Array.from({ length: vectors.length / dimension }, (_, i) =>
    vectors.subarray(i * dimension, (i + 1) * dimension),
  );
}

await main();
