// The sockets that natpmp-upnp is passed: what they have to be, and what is said of those that are something else. They
// are opened as natpmp-server opens them, on the loopback interface.

import { closeSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { NETLINK, openHttp, openNetlink, openSsdp, openTcpListener, openUdp } from '../../cli/server/sockets.js';
import { inheritedSockets } from '../../upnp/inherited-sockets.js';
import { atEnd, cases, claims, skip } from '../support/cases.js';

/** Others may run this test at the same time. */
const PORT = 20_000 + (process.pid % 10_000);
const MARK = 0x71000000;
const REMEDY = 'sockets are handed over: start natpmp-server, or the systemd socket units, instead';

if (process.getuid?.() !== 0) skip('the sockets of natpmp-upnp', 'not root');
else {
  const opened = new Map<string, number>();
  const once = (what: string, open: () => number) => (): number => {
    const fd = opened.get(what) ?? open();
    opened.set(what, fd);
    return fd;
  };
  atEnd(() => {
    for (const fd of opened.values()) closeSync(fd);
  });
  const route = once('route', () => openNetlink(NETLINK.route.protocol, NETLINK.route.none, 65_536));
  const ssdp = once('ssdp', () => openSsdp('lo', MARK));
  const http = once('http', () => openHttp(PORT, 'lo', MARK));
  const otherPort = once('other port', () => openHttp(PORT + 1, 'lo', MARK));
  const untiedHttp = once('untied http', () => openTcpListener(0x7f000002, PORT + 2, '--upnp-port'));
  const untiedUdp = once('untied udp', () => openUdp(0x7f000002, PORT, null));

  const good = { route: [route], ssdp: [ssdp], upnp: [http] };
  const passed = (fds: Readonly<Record<string, readonly (() => number)[]>>, upnpPort: number | null = null) =>
    inheritedSockets(new Map(Object.entries(fds).map(([name, open]) => [name, open.map((fd) => fd())])), { upnpPort });

  claims('the sockets of natpmp-upnp', {
    'are told by their names, and tell their port and interface': () => {
      const result = passed({ ...good, metrics: [untiedHttp], status: [untiedUdp], notify: [route] });
      if (!('ok' in result)) throw new Error(result.complaints.join());
      const { ok } = result;
      assert.equal(
        [...ok.ssdp, ...ok.http].map(({ fd, port, interfaceIndex, interfaceName, address }) => ({
          fd,
          port,
          interfaceIndex,
          interfaceName,
          address,
        })),
        [
          { fd: ssdp(), port: 1900, interfaceIndex: 1, interfaceName: 'lo', address: 0 },
          { fd: http(), port: PORT, interfaceIndex: 1, interfaceName: 'lo', address: 0 },
        ],
      );
      assert.equal([ok.route, ok.metrics, ok.status, ok.notify], [route(), untiedHttp(), untiedUdp(), route()]);
    },
    'metrics, status and a supervisor are optional': () => {
      const result = passed(good, PORT);
      assert.ok('ok' in result && result.ok.metrics === null && result.ok.status === null && result.ok.notify === null);
    },
    'UDP port 1900 is shared': () => {
      const second = openSsdp('lo', MARK);
      closeSync(second);
    },
    'the TCP port is not': () =>
      assert.throws(
        () => openHttp(PORT, 'lo', MARK),
        (error: Error) =>
          error.message.includes(`0.0.0.0:${PORT}/tcp on lo is in use`) && /--upnp-port/.test(error.message),
      ),
  });

  cases<{ name: string; fds: Readonly<Record<string, readonly (() => number)[]>>; port?: number; want: string }>(
    'complaints about the sockets',
    [
      { name: 'no route socket', fds: { ...good, route: [] }, want: `no file descriptor named "route": ${REMEDY}` },
      { name: 'none for searches', fds: { ...good, ssdp: [] }, want: `no file descriptor named "ssdp": ${REMEDY}` },
      { name: 'none for requests', fds: { ...good, upnp: [] }, want: `no file descriptor named "upnp": ${REMEDY}` },
      {
        name: 'TCP for searches',
        fds: { ...good, ssdp: [http] },
        want: 'file descriptor "ssdp": file descriptor FD is not a UDP socket',
      },
      {
        name: 'UDP for requests',
        fds: { ...good, upnp: [ssdp] },
        want: 'file descriptor "upnp": file descriptor FD is not a TCP socket',
      },
      {
        name: 'searches on any interface',
        fds: { ...good, ssdp: [untiedUdp] },
        want: 'file descriptor "ssdp" is bound to no interface: set BindToDevice= in the systemd socket',
      },
      {
        name: 'requests on any interface',
        fds: { ...good, upnp: [untiedHttp] },
        want: 'file descriptor "upnp" is bound to no interface: set BindToDevice= in the systemd socket',
      },
      {
        name: 'two ports',
        fds: { ...good, upnp: [http, otherPort] },
        want: `the file descriptors "upnp" have different ports, ${PORT} and ${PORT + 1}: give all the same`,
      },
      {
        name: 'another port than the flag says',
        fds: good,
        port: 2869,
        want: `--upnp-port 2869: the file descriptor "upnp" has port ${PORT}: name that, or change the socket`,
      },
    ],
    ({ fds, port, want }) => {
      const result = passed(fds, port ?? null);
      assert.equal(
        'complaints' in result ? result.complaints.map((line) => line.replace(/descriptor \d+/, 'descriptor FD')) : [],
        [want],
      );
    },
  );
}
