import { availableParallelism, cpus } from 'node:os';
import * as ort from 'onnxruntime-node';
import { TransientError, UsageError, UserError } from '../base/errors.ts';
import { encodeModel, type OnnxModel } from './model.ts';
import { OnnxThread } from './onnx-thread.ts';
import type { Feeds } from './onnx-worker.ts';

/** Devices that run a graph. */
export const DEVICES = ['cpu', 'cuda'] as const;
export type Device = (typeof DEVICES)[number];

export interface SessionOptions {
  device: Device;
  /** The folder that the locations of external data are relative to. */
  externalDataFolder: string;
  /** Threads of one operator. Default: all that this process may use. */
  threads?: number;
}

/** A graph that is loaded in a separate thread. */
export interface OnnxSession {
  /**
   * Runs the graph once. The buffers of the feeds are transferred to the thread.
   * @returns the outputs, float32
   * @throws TransientError if memory runs out
   */
  run(feeds: Feeds): Promise<Record<string, Float32Array>>;
  close(): Promise<void>;
}

const OUT_OF_MEMORY = /bad_alloc|out of memory|Failed to allocate|OOM|std::length_error/i;

/**
 * Loads a graph. Constants with external data are mapped from their files.
 * @throws UsageError if ONNX Runtime does not support the device here
 * @throws TransientError if memory runs out
 */
export async function createSession(model: OnnxModel, options: SessionOptions): Promise<OnnxSession> {
  requireDevice(options.device);
  const sessionOptions: ort.InferenceSession.SessionOptions = {
    executionProviders: [options.device === 'cuda' ? cudaProvider() : 'cpu'],
    intraOpNumThreads: options.threads ?? threadsToUse(),
    // Sequences vary in length: the memory pattern of one does not fit the next.
    enableMemPattern: false,
    logSeverityLevel: 4,
    extra: { session: { model_external_initializers_file_folder_path: options.externalDataFolder } },
  };
  const thread = new OnnxThread({ model: encodeModel(model), options: sessionOptions });
  await thread.loaded.catch((error: unknown) => {
    throw readableError(error, 'The model does not fit into memory. Use a machine with more memory.');
  });
  return {
    async run(feeds) {
      try {
        return await thread.run(feeds);
      } catch (error) {
        throw readableError(
          error,
          'A sequence or batch does not fit into memory. Lower --batch-tokens or --max-length, or use a machine with more memory.',
        );
      }
    },
    close: () => thread.close(),
  };
}

/** @throws UsageError if ONNX Runtime was installed without this device */
function requireDevice(device: Device): void {
  if (device === 'cpu') return;
  const backend = ort.listSupportedBackends().find(({ name }) => name === device);
  if (!backend) throw new UsageError(`--device ${device}: ONNX Runtime has no such device on this platform.`);
}

/** TF32 is off, because it rounds products to 10 bits. */
function cudaProvider(): ort.InferenceSession.ExecutionProviderConfig {
  return { name: 'cuda', deviceId: 0, use_tf32: '0' } as ort.InferenceSession.ExecutionProviderConfig;
}

/** Returns the cores that a container may use, or 0 without a limit: then ONNX Runtime starts a thread per physical core. */
function threadsToUse(): number {
  return availableParallelism() < cpus().length ? availableParallelism() : 0;
}

function readableError(error: unknown, outOfMemory: string): unknown {
  if (error instanceof UserError || !(error instanceof Error)) return error;
  if (OUT_OF_MEMORY.test(error.message))
    return new TransientError(`${outOfMemory} (${firstLine(error)})`, { cause: error });
  if (/ExecutionProvider_|Failed to load shared library|CUDA failure|no CUDA-capable/.test(error.message))
    return new UsageError(
      `--device cuda: ONNX Runtime cannot use a CUDA device here (${firstLine(error)}). ` +
        'It needs an NVIDIA driver and the CUDA provider (docs/models.md); --device cpu works everywhere.',
      { cause: error },
    );
  return error;
}

function firstLine(error: Error): string {
  return error.message.split('\n', 1)[0]!.slice(0, 300);
}
