/**
 * To be called before node:http is loaded. In Node 22, node:http loads a WebSocket client that compiles WebAssembly. Without a JIT there is no WebAssembly, and
 * the unhandled rejection would end the process. The client is never used, so its compilation may wait forever.
 */
export function stubWebAssembly(): void {
  if (!('WebAssembly' in globalThis))
    Object.assign(globalThis, { WebAssembly: { compile: () => new Promise(() => {}) } });
}
