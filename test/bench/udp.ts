// UDP sockets in other network namespaces, with calls that wait: a datagram's way from one namespace through the router
// into the next is one system call of the sender, and is measured without anybody being woken up.

import koffi from 'koffi';

const libc = koffi.load(null);
const call = (declaration: string) => libc.func(declaration);
const socket = call('int socket(int domain, int type, int protocol)') as (...args: number[]) => number;
const setsockopt = call('int setsockopt(int fd, int level, int option, const uint8_t *value, uint32_t length)') as (
  fd: number,
  level: number,
  option: number,
  value: Uint8Array,
  length: number,
) => number;
type Addressed = (fd: number, address: Uint8Array, length: number) => number;
const bind = call('int bind(int fd, const uint8_t *address, uint32_t length)') as Addressed;
const connect = call('int connect(int fd, const uint8_t *address, uint32_t length)') as Addressed;
type Moving = (fd: number, data: Uint8Array, length: number, flags: number) => number;
const send = call('int64_t send(int fd, const uint8_t *data, uint64_t length, int flags)') as Moving;
const recv = call('int64_t recv(int fd, uint8_t *data, uint64_t length, int flags)') as Moving;
const close = call('int close(int fd)') as (fd: number) => number;

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const PATIENCE_US = 500_000n;
const DATA = Buffer.alloc(64);

export interface Endpoint {
  /** IPv4 as a number, or IPv6 as 32 hexadecimal digits. */
  readonly address: number | string;
  readonly port: number;
}

export class Udp {
  readonly #fd: number;

  /** In the namespace of the moment. */
  constructor(own: Endpoint) {
    this.#fd = socket(typeof own.address === 'number' ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
    const wait = new Uint8Array(new BigInt64Array([0n, PATIENCE_US]).buffer);
    setsockopt(this.#fd, SOL_SOCKET, SO_RCVTIMEO, wait, wait.length);
    this.#need('bind', bind(this.#fd, ...sockaddr(own)));
  }

  connect(peer: Endpoint): void {
    this.#need('connect', connect(this.#fd, ...sockaddr(peer)));
  }

  send(): void {
    send(this.#fd, DATA, DATA.length, 0);
  }

  /** Wait for a datagram. @throws if none comes. */
  receive(): void {
    this.#need('recv', recv(this.#fd, DATA, DATA.length, 0));
  }

  close(): void {
    close(this.#fd);
  }

  #need(what: string, result: number): void {
    if (Number(result) < 0) throw new Error(`${what}: errno ${koffi.errno()}`);
  }
}

/** sockaddr_in or sockaddr_in6, and its length. */
function sockaddr({ address, port }: Endpoint): [Buffer, number] {
  const bytes = Buffer.alloc(typeof address === 'number' ? 16 : 28);
  bytes.writeUInt16LE(typeof address === 'number' ? AF_INET : AF_INET6, 0);
  bytes.writeUInt16BE(port, 2);
  if (typeof address === 'number') bytes.writeUInt32BE(address, 4);
  else bytes.write(address, 8, 'hex');
  return [bytes, bytes.length];
}
