// Has a package of npm ask for ports, in a LAN host's namespace: `npm-client.js PACKAGE ACTION [PORT]`. Prints what the
// package says, as JSON; its errors go to the standard error, and make the exit status 1.

import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const FOLDER = resolve(import.meta.dirname, '../../../test/interop/npm');
const require = createRequire(join(FOLDER, 'package.json'));

interface NatApi {
  map(port: number): Promise<boolean>;
  unmap(port: number): Promise<boolean>;
  externalIp(): Promise<string>;
  destroy(): Promise<void>;
}
interface NatUpnp {
  portMapping(options: object, done: (error: Error | null) => void): void;
  portUnmapping(options: object, done: (error: Error | null) => void): void;
  getMappings(done: (error: Error | null, mappings: unknown) => void): void;
  externalIp(done: (error: Error | null, address: string) => void): void;
}

const [name = '', action = '', text = ''] = process.argv.slice(2);
const port = Number(text);

async function natApi(): Promise<unknown> {
  const { default: Api } = (await import(require.resolve('@silentbot1/nat-api'))) as {
    default: new (options: object) => NatApi;
  };
  const api = new Api({ enablePMP: false, autoUpdate: false });
  switch (action) {
    case 'map':
      return api.map(port);
    case 'unmap':
      return api.unmap(port);
    case 'address':
      return api.externalIp();
    default:
      throw new Error(`nat-api has no ${action}`);
  }
}

async function natUpnp(): Promise<unknown> {
  const client = (require('nat-upnp') as { createClient(): NatUpnp }).createClient();
  const of = <T>(call: (done: (error: Error | null, value: T) => void) => void) => promisify(call)();
  switch (action) {
    case 'map':
      return of((done) => client.portMapping({ public: port, private: port, ttl: 600 }, (error) => done(error, true)));
    case 'unmap':
      return of((done) => client.portUnmapping({ public: port }, (error) => done(error, true)));
    case 'list':
      return of<unknown>((done) => client.getMappings(done));
    case 'address':
      return of<string>((done) => client.externalIp(done));
    default:
      throw new Error(`nat-upnp has no ${action}`);
  }
}

try {
  console.log(JSON.stringify(await (name === 'nat-api' ? natApi() : natUpnp())));
  process.exit(0);
} catch (error) {
  console.error(error);
  process.exit(1);
}
