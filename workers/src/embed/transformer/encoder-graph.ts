import { GraphBuilder } from '../../onnx/graph-builder.ts';
import type { OnnxModel } from '../../onnx/model.ts';
import type { PlainTensor, QuantizationJob } from '../../onnx/onnx-quantized-weights.ts';
import type { StoredWeights } from '../../onnx/safetensors.ts';
import type { Architecture, HiddenState } from './architecture.ts';
import type { ModelConfig } from './config.ts';
import { GraphWeights, type WeightPlaces } from './graph-weights.ts';

/** Names of the graph's inputs and its output. */
export const ENCODER_IO = {
  /** int64 [batch, length] */
  tokenIds: 'token_ids',
  /** int32 [batch]; only in graphs for padded batches */
  tokenCounts: 'token_counts',
  /** float32 [batch, length]: the weight of each token in the vector, 0 for padding */
  poolingWeights: 'pooling_weights',
  /** float32 [batch, hidden_size] */
  vectors: 'vectors',
} as const;

export interface EncoderGraphOptions {
  hiddenState: HiddenState;
  maxTokens: number;
  /** Whether the sequences of a batch may differ in length. */
  padded: boolean;
}

export interface EncoderGraph {
  model: OnnxModel;
  /** 8-bit weights to write before the graph is loaded. */
  quantizationJobs: readonly QuantizationJob[];
  plainTensors: readonly PlainTensor[];
}

/**
 * Builds the graph from token ids to pooled vectors. Pooling is a weighted sum in the graph, so that hidden states never leave the
 * device.
 */
export function buildEncoderGraph(
  architecture: Architecture,
  config: ModelConfig,
  stored: StoredWeights,
  places: WeightPlaces,
  options: EncoderGraphOptions,
): EncoderGraph {
  const graph = new GraphBuilder();
  const tokenIds = graph.input(ENCODER_IO.tokenIds, 'int64', ['batch', 'length']);
  const poolingWeights = graph.input(ENCODER_IO.poolingWeights, 'float32', ['batch', 'length']);
  const tokenCounts = options.padded ? graph.input(ENCODER_IO.tokenCounts, 'int32', ['batch']) : undefined;
  const weights = new GraphWeights(graph, stored, places);
  const hidden = architecture.buildEncoder({
    graph,
    weights,
    config,
    tokenIds,
    tokenCounts,
    maxTokens: options.maxTokens,
    hiddenState: options.hiddenState,
  });
  const row = graph.op('Unsqueeze', [poolingWeights, graph.integers([1])]);
  const pooled = graph.op('Squeeze', [graph.op('MatMul', [row, hidden]), graph.integers([1])]);
  graph.output(ENCODER_IO.vectors, pooled, 'float32', ['batch', config.size(architecture.sizeFields.dimension)]);
  return { model: graph.model(), quantizationJobs: weights.quantizationJobs, plainTensors: weights.plainTensors };
}
