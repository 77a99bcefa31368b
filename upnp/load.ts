// Loads what needs Node's HTTP server, which may be loaded only after stubWebAssembly.

import { stubWebAssembly } from '../caller/web-assembly.js';
import type { Servers, ServersDeps } from './servers.js';

/** Serve HTTP, and metrics and status if they are wanted. */
export async function loadServers(deps: ServersDeps): Promise<Servers> {
  stubWebAssembly();
  const { startServers } = await import('./servers.js');
  return startServers(deps);
}
