// TypeScript has these only among the types of browsers.
declare namespace WebAssembly {
  class Memory {
    constructor(size: { initial: number; maximum: number; shared: true });
    readonly buffer: ArrayBuffer; // a SharedArrayBuffer here: typed arrays take both
    grow(pages: number): number;
  }
  class RuntimeError extends Error {}
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }
  class Instance {
    constructor(module: Module, imports: { env: { memory: Memory } });
    readonly exports: Record<string, unknown>;
  }
}
