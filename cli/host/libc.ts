// The few calls of the C library that Node does not have. The daemons do not load this: they open no sockets.

import koffi from 'koffi';

const self = koffi.load(null);

type Call<A extends readonly unknown[]> = (...args: A) => number;

export const libc = {
  socket: self.func('int socket(int domain, int type, int protocol)') as Call<[number, number, number]>,
  bind: self.func('int bind(int fd, const uint8_t *address, uint32_t length)') as Call<[number, Uint8Array, number]>,
  listen: self.func('int listen(int fd, int backlog)') as Call<[number, number]>,
  setsockopt: self.func('int setsockopt(int fd, int level, int option, const uint8_t *value, uint32_t length)') as Call<
    [number, number, number, Uint8Array, number]
  >,
  if_nametoindex: self.func('uint32_t if_nametoindex(const char *name)') as Call<[string]>,
  /** `name`: at least IF_NAMESIZE (16) bytes; they are written. */
  if_indextoname: self.func('void *if_indextoname(uint32_t index, _Out_ uint8_t *name)') as (
    index: number,
    name: Uint8Array,
  ) => unknown,
  prctl: self.func('int prctl(int option, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)') as Call<
    [number, number, number, number, number]
  >,
  /** For the calling thread; see pid_namespaces(7) for what CLONE_NEWPID changes. */
  unshare: self.func('int unshare(int flags)') as Call<[number]>,
  setns: self.func('int setns(int fd, int type)') as Call<[number, number]>,
  capset: self.func('int capset(const uint8_t *header, const uint8_t *data)') as Call<[Uint8Array, Uint8Array]>,
} as const;

/** The name of the last call's errno, such as "EADDRINUSE". */
export function errorName(): string {
  const number = koffi.errno();
  return Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
}

/** A native int, for setsockopt. */
export function nativeInt(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

const ifaddrs = koffi.struct('ifaddrs', {
  next: 'void *',
  name: 'char *',
  flags: 'uint32_t',
  address: 'void *',
  netmask: 'void *',
  other: 'void *',
  data: 'void *',
});
const sockaddrBytes = koffi.array('uint8_t', 8, 'Typed');
const getifaddrs = self.func('int getifaddrs(_Out_ void **list)') as (list: [unknown]) => number;
const freeifaddrs = self.func('void freeifaddrs(void *list)') as (list: unknown) => void;

interface Entry {
  readonly next: unknown;
  readonly name: string;
  readonly flags: number;
  readonly address: unknown;
  readonly netmask: unknown;
}

/**
 * getifaddrs(3): every interface at least once, with its flags (netdevice(7)), and the bytes of its IPv4 addresses and
 * masks.
 */
export function interfaceEntries(): {
  name: string;
  flags: number;
  address: Uint8Array | null;
  netmask: Uint8Array | null;
}[] {
  const list: [unknown] = [null];
  if (getifaddrs(list) !== 0) throw new Error(`getifaddrs: ${errorName()}`);
  const entries = [];
  for (let at = list[0]; at !== null; ) {
    const entry = koffi.decode(at, ifaddrs) as Entry;
    entries.push({ name: entry.name, flags: entry.flags, address: ipv4(entry.address), netmask: ipv4(entry.netmask) });
    at = entry.next;
  }
  freeifaddrs(list[0]);
  return entries;
}

/** The address in a sockaddr_in; null for another family, or for no address. */
function ipv4(sockaddr: unknown): Uint8Array | null {
  const AF_INET = 2;
  if (sockaddr === null || (koffi.decode(sockaddr, 'uint16_t') as number) !== AF_INET) return null;
  return (koffi.decode(sockaddr, sockaddrBytes) as Uint8Array).slice(4);
}
