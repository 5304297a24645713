import { GraphBuilder } from '../../onnx/graph-builder.ts';
import { createProductSession, runInto, Tensor } from '../../onnx/product-session.ts';

/** Multiplies codes of rows by codes of columns, exactly. */
export interface ColumnProducts {
  /** @param rows uint8 [n, width], 128 for zero @param columns int8 [width, m] @param into int32 [n, m] */
  run(rows: Uint8Array, columns: Int8Array, width: number, into: Int32Array): Promise<void>;
  close(): Promise<void>;
}

/** @param threads of one product; default: one a core */
export async function createColumnProducts(threads?: number): Promise<ColumnProducts> {
  const graph = new GraphBuilder();
  const rows = graph.input('rows', 'uint8', ['n', 'width']);
  const columns = graph.input('columns', 'int8', ['width', 'm']);
  const zero = graph.initializer({ name: 'zero', type: 'uint8', shape: [], data: Uint8Array.of(128) });
  graph.output('products', graph.op('MatMulInteger', [rows, columns, zero]), 'int32', ['n', 'm']);
  const session = await createProductSession(graph.model(), threads);
  return {
    async run(ofRows, ofColumns, width, into) {
      const [n, m] = [ofRows.length / width, ofColumns.length / width];
      const feeds = {
        rows: new Tensor('uint8', ofRows, [n, width]),
        columns: new Tensor('int8', ofColumns, [width, m]),
      };
      await runInto(session, feeds, { products: new Tensor('int32', into, [n, m]) });
    },
    close: () => session.release(),
  };
}
