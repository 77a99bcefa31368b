// What clients send that cannot be run here, as their sources write it: searches from their first datagram to the
// description, requests to the mapping that they make, and what game consoles go through with each other.

import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import {
  act,
  CONTROL,
  envelope,
  exchange,
  header,
  mapping,
  outcomeOf,
  type Outcome,
  replies,
  WANIP,
} from '../lab/control-point.js';
import { passes, until } from '../lab/flows.js';
import { ALICE, BOB, EXTERNAL, openLab, OUTSIDE, ROUTER } from '../lab/lab.js';
import { SILENCE_MS } from '../lab/inbox.js';
import { Server } from '../lab/server.js';
import { GATEWAY_DEVICE as IGD, HTTP_PORT, SSDP_GROUP } from '../lab/upnp.js';

const CONNECTION = 'urn:schemas-upnp-org:device:WANConnectionDevice:1';
const PPP = 'urn:schemas-upnp-org:service:WANPPPConnection:1';

const lab = await openLab();
if (lab !== null) {
  const { alice, bob, outside } = lab;
  const server = await Server.start(lab, ['--upnp']);
  await until('natpmp-upnp is ready', async () => server.log.includes('"upnpPort"'));

  cases<{
    name: string;
    lines: readonly string[];
    /** What the first reply is of; null: nobody answers. */
    st: string | null;
    to?: string;
    from?: number;
    withinMs?: number;
  }>(
    'searches: LOCATION leads to the description',
    [
      {
        name: 'libtorrent: from port 1900, without blanks, and more after the end',
        lines: ['HOST: 239.255.255.250:1900', 'ST:upnp:rootdevice', 'MAN:"ssdp:discover"', 'MX:3', '', ''],
        st: 'upnp:rootdevice',
        from: 1900,
      },
      {
        name: 'miniupnpc',
        lines: ['HOST: 239.255.255.250:1900', `ST: ${IGD}`, 'MAN: "ssdp:discover"', 'MX: 2', ''],
        st: IGD,
      },
      {
        name: 'Syncthing: MX 10',
        lines: [
          'HOST: 239.255.255.250:1900',
          `ST: ${IGD}`,
          'MAN: "ssdp:discover"',
          'MX: 10',
          'USER-AGENT: syncthing/v1.27.2',
          '',
          '',
        ],
        st: IGD,
      },
      {
        name: 'Syncthing, first: version 2',
        lines: [
          'HOST: 239.255.255.250:1900',
          `ST: ${IGD.replace(/1$/, '2')}`,
          'MAN: "ssdp:discover"',
          'MX: 10',
          '',
          '',
        ],
        st: null,
      },
      {
        name: 'Tailscale: to the router itself, and waits for 250 ms',
        lines: ['HOST: 239.255.255.250:1900', 'ST: ssdp:all', 'MAN: "ssdp:discover"', 'MX: 2', ''],
        st: IGD,
        to: ROUTER,
        withinMs: 250,
      },
      {
        name: 'Tailscale: to the group, and waits for 250 ms',
        lines: ['HOST: 239.255.255.250:1900', `ST: ${IGD}`, 'MAN: "ssdp:discover"', 'MX: 2', ''],
        st: IGD,
        withinMs: 250,
      },
      {
        name: 'goupnp, so kubo and go-ethereum',
        lines: ['HOST: 239.255.255.250:1900', 'MAN: "ssdp:discover"', 'MX: 2', `ST: ${CONNECTION}`, ''],
        st: CONNECTION,
      },
      {
        name: 'goupnp, as NetBird has it: to the router itself, without MX',
        lines: [`HOST: ${ROUTER}:1900`, 'MAN: "ssdp:discover"', `ST: ${WANIP}`, ''],
        st: WANIP,
        to: ROUTER,
      },
      {
        name: 'Windows, and the igd of Rust',
        lines: ['Host:239.255.255.250:1900', `ST:${IGD}`, 'Man:"ssdp:discover"', 'MX:3', ''],
        st: IGD,
      },
      {
        name: 'libplum: waits for 250 ms',
        lines: ['HOST: 239.255.255.250:1900', 'MAN: "ssdp:discover"', 'MX: 1', `ST: ${IGD}`, ''],
        st: IGD,
        withinMs: 250,
      },
      {
        name: 'Open.NAT and Mono.Nat: for PPP',
        lines: ['HOST: 239.255.255.250:1900', 'MAN: "ssdp:discover"', 'MX: 3', `ST: ${PPP}`, ''],
        st: PPP,
      },
      {
        name: 'gssdp: HOST without a port',
        lines: ['Host: 239.255.255.250', 'Man: "ssdp:discover"', `ST: ${PPP}`, 'MX: 3', 'User-Agent: GSSDP/1.6', ''],
        st: PPP,
      },
      {
        name: 'a media player looks for servers',
        lines: [
          'HOST: 239.255.255.250:1900',
          'MAN: "ssdp:discover"',
          'MX: 3',
          'ST: urn:schemas-upnp-org:device:MediaServer:1',
          '',
        ],
        st: null,
      },
    ],
    async ({ lines, st, to = SSDP_GROUP, from = 0, withinMs }) => {
      const text = ['M-SEARCH * HTTP/1.1', ...lines, ''].join('\r\n');
      const search = async (): Promise<string | undefined> => {
        const [first] = await replies(alice, Buffer.from(text).toString('hex'), {
          to,
          from,
          ...(st === null ? { withinMs: 2 * SILENCE_MS } : withinMs === undefined ? {} : { withinMs }),
        });
        return first;
      };
      let reply = await search();
      // A machine that is busy with other things is no fault of ours; five times in a row it is no chance either.
      if (withinMs !== undefined) for (let tries = 1; reply === undefined && tries < 5; tries++) reply = await search();
      if (st === null) {
        assert.is(reply, undefined);
        return;
      }
      assert.ok(reply !== undefined, 'no reply in time');
      assert.is(header(reply, 'ST'), st);
      const location = header(reply, 'LOCATION') ?? '';
      const [, host = '', path = ''] = /^http:\/\/([^/]+)(\/.*)$/.exec(location) ?? [];
      assert.is(host, `${ROUTER}:${HTTP_PORT}`);
      const answer = await exchange(alice, [`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`]);
      assert.is(answer.status, 200);
      assert.match(answer.body, CONTROL);
    },
  );

  const HOST = `${ROUTER}:${HTTP_PORT}`;
  const length = (body: string) => String(Buffer.byteLength(body));
  /** As MSXML writes it: each argument with its type. */
  const typed = (name: string, type: string, value: string) =>
    `<${name} xmlns:dt="urn:schemas-microsoft-com:datatypes" dt:dt="${type}">${value}</${name}>`;
  const windowsBody =
    '<?xml version="1.0"?>\r\n<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/" ' +
    'SOAP-ENV:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><SOAP-ENV:Body>' +
    `<m:AddPortMapping xmlns:m="${WANIP}">` +
    typed('NewRemoteHost', 'string', '') +
    typed('NewExternalPort', 'ui2', '3074') +
    typed('NewProtocol', 'string', 'UDP') +
    typed('NewInternalPort', 'ui2', '3074') +
    typed('NewInternalClient', 'string', ALICE) +
    typed('NewEnabled', 'boolean', '1') +
    typed('NewPortMappingDescription', 'string', `Xbox (${ALICE}:3074) 3074 UDP`) +
    typed('NewLeaseDuration', 'ui4', '0') +
    '</m:AddPortMapping></SOAP-ENV:Body></SOAP-ENV:Envelope>';
  const openNatBody = `<s:Envelope
        xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"
        s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">
  <s:Body>
    <u:AddPortMapping xmlns:u="${WANIP}">
      <NewRemoteHost></NewRemoteHost>
      <NewExternalPort>4001</NewExternalPort>
      <NewProtocol>TCP</NewProtocol>
      <NewInternalPort>4001</NewInternalPort>
      <NewInternalClient>${ALICE}</NewInternalClient>
      <NewEnabled>1</NewEnabled>
      <NewPortMappingDescription>OpenRA</NewPortMappingDescription>
      <NewLeaseDuration>3600</NewLeaseDuration>
    </u:AddPortMapping>
  </s:Body>
</s:Envelope>`.replaceAll('\n', '\r\n');
  const add = (protocol: 'TCP' | 'UDP', port: number, lease: number, description: string) =>
    envelope('AddPortMapping', mapping(protocol, port, ALICE, port, lease, description));
  const syncthingBody =
    '<?xml version="1.0" ?>\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">\n' +
    `<s:Body><u:GetExternalIPAddress xmlns:u="${WANIP}" /></s:Body>\n</s:Envelope>\n`;
  const igdRustBody =
    '<?xml version="1.0"?>\n<s:Envelope s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/" ' +
    'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">\n  <s:Body>\n' +
    `    <u:AddPortMapping xmlns:u="${WANIP}">\n` +
    '      <NewProtocol>UDP</NewProtocol>\n      <NewExternalPort>4003</NewExternalPort>\n' +
    `      <NewInternalClient>${ALICE}</NewInternalClient>\n      <NewInternalPort>4003</NewInternalPort>\n` +
    '      <NewLeaseDuration>0</NewLeaseDuration>\n' +
    '      <NewPortMappingDescription>iroh-portmap</NewPortMappingDescription>\n' +
    '      <NewEnabled>1</NewEnabled>\n      <NewRemoteHost></NewRemoteHost>\n' +
    '    </u:AddPortMapping>\n  </s:Body>\n</s:Envelope>';
  const post = (names: readonly string[], body: string) =>
    [`POST ${CONTROL} HTTP/1.1`, ...names, '', body].join('\r\n');

  cases<{
    name: string;
    /** One segment each, some time apart. */
    segments: readonly string[];
    says: Outcome;
    /** A mapping of alice's that is there after it. */
    maps?: string;
  }>(
    'requests',
    [
      {
        name: 'Windows and Xbox: each argument with its type',
        segments: [
          post(
            [
              'Content-Type: text/xml; charset="utf-8"',
              `SOAPAction: "${WANIP}#AddPortMapping"`,
              'User-Agent: Mozilla/4.0 (compatible; UPnP/1.0; Windows NT/5.1)',
              `Host: ${HOST}`,
              `Content-Length: ${length(windowsBody)}`,
              'Connection: Keep-Alive',
              'Cache-Control: no-cache',
              'Pragma: no-cache',
            ],
            windowsBody,
          ),
        ],
        says: {},
        maps: `udp 3074 -> ${ALICE}:3074`,
      },
      {
        name: '.NET (Open.NAT): the body only after 100 Continue',
        segments: [
          post(
            [
              `SOAPACTION: "${WANIP}#AddPortMapping"`,
              'Content-Type: text/xml; charset="utf-8"',
              `Host: ${HOST}`,
              `Content-Length: ${length(openNatBody)}`,
              'Expect: 100-continue',
              'Connection: Close',
            ],
            '',
          ),
          openNatBody,
        ],
        says: {},
        maps: `tcp 4001 -> ${ALICE}:4001`,
      },
      {
        name: 'libplum: SOAPAction without quotes',
        segments: [
          post(
            [
              `Host: ${HOST}`,
              'Connection: close',
              `Content-Length: ${length(add('UDP', 4002, 7200, 'libplum'))}`,
              'Content-Type: text/xml; charset="utf-8"',
              `SOAPAction: ${WANIP}#AddPortMapping`,
            ],
            add('UDP', 4002, 7200, 'libplum'),
          ),
        ],
        says: {},
        maps: `udp 4002 -> ${ALICE}:4002`,
      },
      {
        name: 'the igd of Rust: arguments in another order, lease 0',
        segments: [
          post(
            [
              `host: ${HOST}`,
              'connection: close',
              `soapaction: "${WANIP}#AddPortMapping"`,
              'content-type: text/xml',
              `content-length: ${length(igdRustBody)}`,
              'accept: */*',
              'user-agent: attohttpc/0.24.0',
            ],
            igdRustBody,
          ),
        ],
        says: {},
        maps: `udp 4003 -> ${ALICE}:4003`,
      },
      {
        name: 'libgupnp: header and body in two segments, and keeps the connection',
        segments: [
          post(
            [
              `Host: ${HOST}`,
              `SOAPAction: "${WANIP}#AddPortMapping"`,
              'User-Agent: libsoup/2.74.3',
              'Connection: Keep-Alive',
              'Content-Type: text/xml; charset=utf-8',
              `Content-Length: ${length(add('TCP', 4004, 600, 'a test'))}`,
            ],
            '',
          ),
          add('TCP', 4004, 600, 'a test'),
        ],
        says: {},
        maps: `tcp 4004 -> ${ALICE}:4004`,
      },
      {
        name: 'goupnp: names in capitals',
        segments: [
          post(
            [
              `Host: ${HOST}`,
              'User-Agent: Go-http-client/1.1',
              `Content-Length: ${length(add('TCP', 4005, 1800, 'go-nat'))}`,
              'CONTENT-TYPE: text/xml; charset="utf-8"',
              `SOAPACTION: "${WANIP}#AddPortMapping"`,
              'Accept-Encoding: gzip',
            ],
            add('TCP', 4005, 1800, 'go-nat'),
          ),
        ],
        says: {},
        maps: `tcp 4005 -> ${ALICE}:4005`,
      },
      {
        name: 'miniupnpc and libtorrent: a description as it is',
        segments: [
          post(
            [
              `HOST: ${HOST}`,
              'User-Agent: Debian/12, UPnP/1.1, MiniUPnPc/2.2.4',
              `Content-Length: ${length(add('TCP', 4006, 3600, 'R&D'))}`,
              'Content-Type: text/xml',
              `SOAPAction: "${WANIP}#AddPortMapping"`,
              'Connection: Close',
              'Cache-Control: no-cache',
              'Pragma: no-cache',
            ],
            add('TCP', 4006, 3600, 'R&D'),
          ),
        ],
        says: {},
        maps: `tcp 4006 -> ${ALICE}:4006`,
      },
      {
        name: 'a description of 2,000 characters',
        segments: [
          post(
            [
              `Host: ${HOST}`,
              `Content-Length: ${length(add('TCP', 4009, 3600, 'x'.repeat(2000)))}`,
              'Content-Type: text/xml',
              `SOAPAction: "${WANIP}#AddPortMapping"`,
              'Connection: close',
            ],
            add('TCP', 4009, 3600, 'x'.repeat(2000)),
          ),
        ],
        says: {},
        maps: `tcp 4009 -> ${ALICE}:4009`,
      },
      {
        name: 'Syncthing: an action without arguments, closed at once',
        segments: [
          post(
            [
              `Host: ${HOST}`,
              'User-Agent: syncthing/1.0',
              `Content-Length: ${length(syncthingBody)}`,
              'Cache-Control: no-cache',
              'Connection: Close',
              'Content-Type: text/xml; charset="utf-8"',
              'Pragma: no-cache',
              `Soapaction: "${WANIP}#GetExternalIPAddress"`,
              'Accept-Encoding: gzip',
            ],
            syncthingBody,
          ),
        ],
        says: { NewExternalIPAddress: EXTERNAL },
      },
      {
        name: 'WebTorrent on Node: what fetch adds',
        segments: [
          post(
            [
              `host: ${HOST}`,
              'connection: close',
              'Content-Type: text/xml; charset="utf-8"',
              `Content-Length: ${length(add('UDP', 4007, 1200, 'WebTorrent'))}`,
              `SOAPAction: "${WANIP}#AddPortMapping"`,
              'accept: */*',
              'accept-language: *',
              'sec-fetch-mode: cors',
              'user-agent: node',
              'accept-encoding: gzip, deflate',
            ],
            add('UDP', 4007, 1200, 'WebTorrent'),
          ),
        ],
        says: {},
        maps: `udp 4007 -> ${ALICE}:4007`,
      },
      {
        name: 'a page in a browser: what fetch adds there',
        segments: [
          post(
            [
              `Host: ${HOST}`,
              'Connection: keep-alive',
              `Content-Length: ${length(add('TCP', 4008, 0, 'a page'))}`,
              `SOAPAction: "${WANIP}#AddPortMapping"`,
              'Content-Type: text/xml',
              'Origin: https://example.com',
              'Sec-Fetch-Mode: cors',
              'Sec-Fetch-Site: cross-site',
              'Referer: https://example.com/',
            ],
            add('TCP', 4008, 0, 'a page'),
          ),
        ],
        says: 'HTTP 403',
      },
      {
        name: 'a page in a browser, by a name of its own',
        segments: [
          post(
            [
              'Host: rebound.example.com:2869',
              `Content-Length: ${length(add('TCP', 4008, 0, 'a page'))}`,
              `SOAPAction: "${WANIP}#AddPortMapping"`,
              'Content-Type: text/xml',
            ],
            add('TCP', 4008, 0, 'a page'),
          ),
        ],
        says: 'HTTP 403',
      },
    ],
    async ({ segments, says, maps }) => {
      const before = await server.mappings();
      const answer = await exchange(alice, segments, { pauseMs: 50 });
      // 100 Continue comes first: it is no answer.
      const final = /^HTTP\/1\.1 100 /.test(answer.head) ? splitAfterContinue(answer) : answer;
      assert.equal(outcomeOf(final), says);
      const expected = maps === undefined ? before : [...before, maps];
      assert.equal((await server.mappings()).sort(), [...expected].sort());
      const { in: ins, out, live } = await server.elements();
      for (const set of [ins, out, live]) assert.equal([...set].sort(), [...expected].sort());
    },
  );

  /** Whether a datagram from outside to this port of the router's gets to the host's port, and one from there leaves from this one. */
  const reaches = async (host: typeof alice, internalPort: number, externalPort: number) => {
    const console_ = await host.udp({ port: internalPort });
    const player = await outside.udp();
    const arrived = await passes(player, console_, EXTERNAL, externalPort);
    const other = await outside.udp();
    console_.sendText('hello', OUTSIDE, other.port);
    const left = await other.receive();
    for (const socket of [console_, player, other]) socket.close();
    return { arrives: arrived !== null, leavesFrom: left?.port };
  };

  claims('consoles', {
    'Xbox asks whether the port is free before it takes it, and is reached there': async () => {
      const entry = { NewRemoteHost: '', NewExternalPort: '3075', NewProtocol: 'UDP' };
      assert.equal(await act(bob, 'GetSpecificPortMappingEntry', entry), 714);
      const wish = mapping('UDP', 3075, BOB, 3075, 0, `Xbox (${BOB}:3075) 3075 UDP`);
      assert.equal(await act(bob, 'AddPortMapping', wish), {});
      assert.equal(await act(bob, 'GetSpecificPortMappingEntry', entry), {
        NewInternalPort: '3075',
        NewInternalClient: BOB,
        NewEnabled: '1',
        NewPortMappingDescription: `Xbox (${BOB}:3075) 3075 UDP`,
        NewLeaseDuration: '86400',
      });
      assert.equal(await reaches(bob, 3075, 3075), { arrives: true, leavesFrom: 3075 });
      assert.equal(await act(bob, 'DeletePortMapping', entry), {});
      assert.equal(await act(bob, 'GetSpecificPortMappingEntry', entry), 714);
    },
    'a second Xbox: 3074 is taken, another external port for the same one of its own works both ways': async () => {
      assert.equal(await act(bob, 'AddPortMapping', mapping('UDP', 3074, BOB, 3074, 0)), 718);
      assert.equal(await act(bob, 'AddPortMapping', mapping('UDP', 53_074, BOB, 3074, 0)), {});
      assert.equal(await reaches(bob, 3074, 53_074), { arrives: true, leavesFrom: 53_074 });
      assert.equal(await reaches(alice, 3074, 3074), { arrives: true, leavesFrom: 3074 });
    },
    'PlayStation: 9308 at its start, again at each start, and 3074 in a game, for which it takes the next':
      async () => {
        const start = mapping('UDP', 9308, BOB, 9308, 0, `${BOB}:9308 to 9308 (UDP)`);
        assert.equal(await act(bob, 'AddPortMapping', start), {});
        assert.equal(await act(bob, 'AddPortMapping', start), {});
        assert.equal(await reaches(bob, 9308, 9308), { arrives: true, leavesFrom: 9308 });
        assert.equal(await act(alice, 'AddPortMapping', mapping('UDP', 9308, ALICE, 9308, 0)), 718);
        assert.equal(await act(bob, 'AddPortMapping', mapping('UDP', 3074, BOB, 3076, 0)), 718);
        assert.equal(await act(bob, 'AddPortMapping', mapping('UDP', 3076, BOB, 3076, 0)), {});
        assert.equal(await reaches(bob, 3076, 3076), { arrives: true, leavesFrom: 3076 });
      },
    'Rainbow Six: no internal client is the one that asks': async () => {
      assert.equal(await act(bob, 'AddPortMapping', mapping('UDP', 6015, '', 6015, 0)), {});
      assert.ok((await server.mappings()).includes(`udp 6015 -> ${BOB}:6015`));
    },
    'Syncthing and libtorrent, after a refusal: ten more in a row, each answered': async () => {
      for (let port = 24_000; port < 24_010; port++)
        assert.equal(await act(alice, 'AddPortMapping', mapping('TCP', port, ALICE, port, 3600)), {});
    },
    'programs of one host that ask at the same time: eight at once': async () => {
      const ports = Array.from({ length: 8 }, (_, index) => 24_100 + index);
      const outcomes = await Promise.all(
        ports.map((port) => act(alice, 'AddPortMapping', mapping('TCP', port, ALICE, port, 3600))),
      );
      assert.equal(
        outcomes,
        ports.map(() => ({})),
      );
    },
    'Transmission: TCP and UDP for ever, looked at a minute later, deleted at the end': async () => {
      for (const protocol of ['TCP', 'UDP'] as const) {
        const entry = { NewRemoteHost: '', NewExternalPort: '51413', NewProtocol: protocol };
        assert.equal(await act(alice, 'AddPortMapping', mapping(protocol, 51413, ALICE, 51413, 0)), {});
        const seen = await act(alice, 'GetSpecificPortMappingEntry', entry);
        assert.is(typeof seen === 'object' ? seen['NewInternalPort'] : seen, '51413');
        assert.equal(await act(alice, 'DeletePortMapping', entry), {});
      }
      assert.not.match(`${await server.mappings()}`, /51413/);
    },
    'upnpc -l: all that is its own, in order, and an end': async () => {
      const seen: string[] = [];
      for (let index = 0; ; index++) {
        const entry = await act(bob, 'GetGenericPortMappingEntry', { NewPortMappingIndex: String(index) });
        if (typeof entry !== 'object') {
          assert.is(entry, 713);
          break;
        }
        seen.push(
          `${entry['NewProtocol']} ${entry['NewExternalPort']} -> ${entry['NewInternalClient']}:${entry['NewInternalPort']}`,
        );
      }
      const own = (await server.mappings()).filter((line) => line.includes(`${BOB}:`));
      assert.equal([...seen].map((line) => line.toLowerCase()).sort(), own.sort());
      assert.ok(seen.length >= 4);
    },
  });
}

/** What comes after 100 Continue. */
function splitAfterContinue(answer: { readonly head: string; readonly body: string; readonly ended: string }) {
  const at = answer.body.indexOf('\r\n\r\n');
  const head = answer.body.slice(0, at);
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0),
    head,
    body: answer.body.slice(at + 4),
    ended: answer.ended,
  };
}
