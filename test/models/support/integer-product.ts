import { quantizeMatrix } from '../../../workers/src/onnx/quantize-weights.ts';
import { byteProduct, type Processor } from '../../support/byte-product.ts';
import type { LinearProduct, Rows } from './reference.ts';

/** DynamicQuantizeLinear as ONNX specifies it: bytes with one scale and zero point for all rows. */
function quantizeActivations(x: Rows) {
  const least = x.reduce((low, row) => Math.min(low, ...row), 0);
  const most = x.reduce((high, row) => Math.max(high, ...row), 0);
  const scale = Math.fround((most - least) / 255);
  const zero = roundToEven(-least / scale);
  const bytes = x.map((row) =>
    Uint8Array.from(row, (value) => Math.max(0, Math.min(255, roundToEven(value / scale) + zero))),
  );
  return { bytes, scale, zero };
}

function roundToEven(value: number): number {
  const whole = Math.floor(value);
  const part = value - whole;
  return whole + (part > 0.5 || (part === 0.5 && whole % 2 !== 0) ? 1 : 0);
}

/** Computes a layer with `--precision int8` on that kind of processor: MatMulIntegerToFloat, written as loops. */
export function integerProduct(processor: Processor): LinearProduct {
  return (x, weight, outputs, inputs) => {
    const { bytes: codes, scales } = quantizeMatrix(weight, outputs, inputs);
    const activations = quantizeActivations(x);
    // Every processor subtracts the contribution of the zero point in 32 bits.
    const sums = new Float64Array(outputs);
    for (let i = 0; i < codes.length; i++) sums[i % outputs]! += codes[i]!;
    return activations.bytes.map((row) =>
      Float64Array.from({ length: outputs }, (_, o) => {
        const product = byteProduct(processor, row, codes, o, outputs) - activations.zero * sums[o]!;
        return product * activations.scale * scales[o]!;
      }),
    );
  };
}
