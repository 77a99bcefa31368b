// Commands of the documents that are run on a router, or on a host of its LAN: one row each, in the order in which they
// are run. A new one goes where the state is right for it.

import * as assert from 'uvu/assert';
import { until } from '../lab/flows.js';
import type { Host } from '../lab/host.js';
import { addIpv6, ALICE6, onLan, ROUTER6_LOCAL } from '../lab/ipv6.js';
import { Asker, mapRequest } from '../lab/natpmp.js';
import { PcpClient } from '../lab/pcp.js';
import { ControlPoint } from '../lab/upnp.js';
import { ALICE, EXTERNAL, ROUTER } from '../lab/lab.js';
import { answering } from '../systemd/box.js';
import type { Clone, Router, Running } from './places.js';

export interface Places {
  readonly router: Router;
  readonly nas: Clone;
}

/**
 * A command that is run, and has to end with 0 and say what the documents show. Rows go from first to last, in one and
 * the same place.
 */
export interface Run {
  /** As the documents have it. */
  readonly shown: string;
  readonly on: 'router' | 'LAN host';
  /** What is run, where the documents leave a word open. */
  readonly as?: string;
  readonly exit?: number;
  readonly says?: RegExp;
  readonly before?: (places: Places) => Promise<unknown>;
  /** It goes on by itself: what happens meanwhile. Then it is ended by this signal. */
  readonly meanwhile?: (running: Running, places: Places) => Promise<unknown>;
  readonly signal?: 'INT' | 'TERM';
  readonly after?: (places: Places) => Promise<unknown>;
}

/** What must happen on a busy machine. */
const DEADLINE_MS = 30_000;

const alice = (router: Router): Host => router.box.lab.alice;
const asker = (router: Router, host = alice(router)): Promise<Asker> => Asker.open(host, ROUTER);
const sh =
  (script: string) =>
  ({ router }: Places) =>
    router.box.sh(script);
const answers = ({ router }: Places) => answering(router.box);

/** The mappings of the README, and 40 packets through one of them. */
async function household({ router }: Places): Promise<void> {
  const [nas, playstation] = [await asker(router), await asker(router, router.box.lab.bob)];
  for (const protocol of ['tcp', 'udp'] as const) assert.is((await nas.map(protocol, 51413, 51413, 7200)).result, 0);
  assert.is((await playstation.map('udp', 9308, 9308, 3600)).result, 0);
  const [inside, outside] = [await alice(router).udp({ port: 51413 }), await router.box.lab.outside.udp()];
  for (let times = 0; times < 20; times++) {
    outside.sendText('x'.repeat(900), EXTERNAL, 51413);
    const came = await inside.receive();
    assert.ok(came !== null);
    inside.sendText('y'.repeat(900), came.address, came.port);
    assert.ok((await outside.receive()) !== null);
  }
}

/** What `natpmpctl watch` is shown to say. */
async function events(running: Running, { router }: Places): Promise<void> {
  const nas = await asker(router);
  await running.says(/watching/);
  // Sent once each: what a client repeats is another event.
  nas.udp.send(mapRequest('tcp', 7000, 7000, 600));
  await running.says(/granted/);
  nas.udp.send(mapRequest('tcp', 7000, 7000, 1200));
  await running.says(/renewed/);
  await router.box.sh('nft flush map inet nat NATPMP-in');
  await running.says(/resynchronised/);
  await router.box.sh('kill -9 $(systemctl show --value -p MainPID natpmp-helper)');
  await running.says(/lost[\s\S]*watching/);
  await answering(router.box);
  await nas.unmap('tcp', 7000);
  await running.says(/removed/);
}

/** IPv6 and pinholes on the router; the NAS of the documents has one. */
async function withPinholes(places: Places): Promise<void> {
  const { router } = places;
  const { lab } = router.box;
  await addIpv6(lab, null);
  await lab.alice.namespace.ip('link set dev eth0 address 02:00:00:00:00:02');
  await router.box.sh(`${INSTALL} --pinholes yes`);
  await answers(places);
  assert.is((await (await pcpClient(router)).map(51413, { lifetime: 7200 })).result, 0);
}

const pcpClient = (router: Router): Promise<PcpClient> => PcpClient.open(alice(router), ALICE6, onLan(ROUTER6_LOCAL));

const FIREWALL =
  'table inet fw { chain forward { type filter hook forward priority filter; policy drop; iifname ' +
  '"br-lan" accept; }; }';
const INSTALL = 'sh /src/systemd/install.sh --external-interface wan0 --listen-interface br-lan';
const LIST = 'natpmpctl list --dhcp-leases /var/lib/misc/dnsmasq.leases';

export const RUNS: readonly Run[] = [
  {
    shown: 'sudo node dist/cli/natpmp-server.js --external-interface wan0 --listen-interface br-lan',
    on: 'router',
    signal: 'TERM',
    meanwhile: async (running, places) => {
      await running.says(/adminSocket/);
      await answers(places);
      const ps = await places.router.run('ps -ewwo user,args --forest');
      shownBeside.set('ps -ewwo user,args --forest', ps.stdout);
      assert.is((await (await asker(places.router)).map('tcp', 7001, 7001, 3600)).result, 0);
    },
  },
  // Over what was started by hand: its mapping stays.
  {
    shown: 'sudo sh systemd/install.sh --external-interface wan0 --listen-interface br-lan',
    on: 'router',
    says: /^installed/m,
    after: async (places) => {
      await answers(places);
      assert.equal(await places.router.box.mappings(), ['tcp 7001 -> 192.168.1.2:7001']);
      await (await asker(places.router)).unmap('tcp', 7001);
    },
  },
  {
    shown: "systemctl status 'natpmp-*'",
    on: 'router',
    // 3: a look at the ports of the router, or the reload after it, ended between being found and being shown.
    as: "systemctl status 'natpmp-*' || [ $? -eq 3 ]",
    says: /natpmp-helper\.service[\s\S]*active \(running\)/,
  },
  {
    shown: 'sh systemd/install.sh ... --metrics-port 9551',
    on: 'router',
    as: 'sh systemd/install.sh --external-interface wan0 --listen-interface br-lan --metrics-port 9551',
    says: /127\.0\.0\.1:9551/,
    after: async (places) => {
      await answers(places);
      // The table of the first one is kept, and the connections through it.
      assert.equal(
        (await places.router.box.log('natpmp-ruleset')).match(/^natpmp-ruleset: table inet nat installed$/gm),
        ['natpmp-ruleset: table inet nat installed'],
      );
    },
  },
  {
    shown: 'curl -s http://127.0.0.1:9551/metrics',
    on: 'router',
    says: /natpmp_helper_up 1/,
    as: "node -e 'fetch(process.argv[1]).then(async (page) => console.log(await page.text()))' http://127.0.0.1:9551/metrics",
  },
  { shown: "systemctl status 'natpmp-metrics@*'", on: 'router', says: /active \(running\)/ },

  { shown: 'natpmp-client 192.168.1.1 info', on: 'LAN host' },
  { shown: 'natpmp-client 192.168.1.1 map 8080 8080 tcp 3600', on: 'LAN host' },
  { shown: 'sudo natpmpctl list', on: 'router', says: /^tcp +8080 +192\.168\.1\.2:8080/m },
  { shown: 'sudo nft list map inet nat NATPMP-in', on: 'router', says: /tcp \. 8080 .*192\.168\.1\.2 \. 8080/ },
  { shown: 'sudo natpmpctl doctor', on: 'router', says: /^nothing wrong was found$/m },
  { shown: 'natpmpctl show HOST', on: 'router', as: 'natpmpctl show 192.168.1.2', says: /^tcp 8080/ },
  { shown: 'natpmpctl show PORT', on: 'router', as: 'natpmpctl show 8080', says: /192\.168\.1\.2:8080/ },
  {
    shown: 'natpmpctl revoke --port tcp/8080',
    on: 'router',
    as: 'natpmpctl revoke --port tcp/8080 --yes',
    says: /1 mapping/,
  },

  { shown: 'natpmpctl add tcp 8080 192.168.1.5:80', on: 'router', before: household },
  { shown: LIST, on: 'router' },
  { shown: 'natpmpctl list', on: 'router', says: /^PROTO/ },
  {
    shown: 'natpmpctl list --host nas --dhcp-leases /var/lib/misc/dnsmasq.leases',
    on: 'router',
    says: /^(?!.*playstation)[\s\S]*51413[\s\S]*51413/,
  },
  { shown: 'natpmpctl list --host HOST', on: 'router', as: 'natpmpctl list --host 192.168.1.3', says: /9308/ },
  {
    shown: 'natpmpctl list --origin upnp',
    on: 'router',
    before: async (places) => {
      await places.router.box.sh(`${INSTALL} --upnp yes`);
      await answers(places);
      const xbox = new ControlPoint(alice(places.router), ROUTER);
      await until(
        'a port is mapped',
        async () => (await xbox.add('UDP', 3074, ALICE, 3074, 3600, 'a console')) === null,
        DEADLINE_MS,
      );
    },
  },
  {
    shown: 'natpmpctl revoke --origin upnp',
    on: 'router',
    as: 'natpmpctl revoke --origin upnp --yes',
    says: /^1 mapping removed$/m,
    after: sh(`${INSTALL} --upnp no`),
  },
  { shown: 'natpmpctl list --sort bytes', on: 'router', says: /^udp +51413/m },
  { shown: 'natpmpctl list --json', on: 'router', says: /"externalPort": ?9308/ },
  { shown: 'natpmpctl show tcp/8080', on: 'router', says: /static/ },
  { shown: 'natpmpctl top', on: 'router', says: /^4 mappings, 1 static/ },
  { shown: 'natpmpctl status', on: 'router', says: /^external: +203\.0\.113\.10/ },
  { shown: 'natpmpctl watch', on: 'router', signal: 'INT', meanwhile: events },
  ...['natpmpctl web', 'natpmpctl web --dhcp-leases /var/lib/misc/dnsmasq.leases'].map(
    (shown): Run => ({ shown, on: 'router', signal: 'INT', meanwhile: async (running) => running.says(/Ctrl-C/) }),
  ),
  {
    shown: 'natpmpctl web --allow-revoke',
    on: 'router',
    signal: 'INT',
    meanwhile: async (running) => running.says(/^http:\/\/127\.0\.0\.1:15380\/#token=[\w-]{43}\nAnyone/m),
  },
  {
    shown: 'natpmpctl web --listen 127.0.0.1:8080',
    on: 'router',
    signal: 'INT',
    meanwhile: async (running) => running.says(/^http:\/\/127\.0\.0\.1:8080\/\n.*Ctrl-C/m),
  },
  {
    shown: 'natpmpctl doctor',
    on: 'router',
    exit: 1,
    before: sh(`echo 0 >/proc/sys/net/ipv4/ip_forward; nft '${FIREWALL}'`),
    // What it says to do helps.
    after: sh(
      'nft insert rule inet fw forward ct status dnat accept; sysctl -qw net.ipv4.ip_forward=1; ' +
        'natpmpctl doctor; nft delete table inet fw',
    ),
  },
  { shown: "ss -lunp 'sport = :5351'", on: 'router', says: /0\.0\.0\.0%br-lan/ },
  { shown: 'ss -lntu', on: 'LAN host' },
  { shown: 'ip link', on: 'router', says: /br-lan/ },
  {
    shown: 'nft monitor',
    on: 'router',
    signal: 'INT',
    exit: 128,
    meanwhile: async (running, { router }) => {
      // It says nothing when it is ready.
      for (let times = 0; !/add table/.test(running.said()) && times < 50; times++)
        await router.box.sh('nft add table ip shown; nft delete table ip shown');
      await running.says(/add table ip shown/);
    },
  },
  { shown: 'nft list table inet nat', on: 'router', says: /set NATPMP-live/ },
  {
    shown: 'nft flush ruleset',
    on: 'router',
    after: async (places) => {
      await until('all is back', async () => (await places.router.box.elements()).in.length === 4, DEADLINE_MS);
      await answers(places);
      assert.is((await places.router.box.mappings()).length, 4);
    },
  },

  // The configuration.
  {
    shown: 'natpmpctl check-config FILE',
    on: 'router',
    as: 'natpmpctl check-config /etc/natpmp-server/gateway.conf',
    says: /: good/,
  },
  {
    shown: 'natpmpctl check-config gateway.conf',
    on: 'router',
    as: 'cd /tmp; natpmpctl check-config gateway.conf 2>&1',
    exit: 2,
    before: sh("printf 'rule = deny 192.168.1.64/26\\ndefault-rule = allow\\nmax-lifetme = 60\\n' >/tmp/gateway.conf"),
  },
  { shown: 'natpmpctl check-config /etc/natpmp-server/gateway.conf && systemctl reload natpmp-helper', on: 'router' },
  { shown: 'systemctl reload natpmp-helper', on: 'router' },
  {
    shown: 'natpmp-server ruleset',
    on: 'router',
    says: /^ *map NATPMP-in/m,
    as: 'node dist/cli/natpmp-server.js ruleset --external-interface wan0 --listen-interface br-lan',
  },
  {
    shown:
      'natpmp-server ruleset --external-interface NAME --listen-interface NAME [--external-address] ' +
      '[--allowed-ports] [--listen-port] [--nat-table] [--nat-chain] [--no-hairpin] [--pinholes] [--pinhole-interface] [--upnp]',
    on: 'router',
    as:
      'node dist/cli/natpmp-server.js ruleset --external-interface wan0 --listen-interface br-lan ' +
      '--external-address 203.0.113.10 --allowed-ports 1024-65535 --listen-port 5351' +
      ' --nat-table nat --nat-chain NATPMP --no-hairpin --pinholes --pinhole-interface sit1',
    says: /^ *map NATPMP-in[\s\S]*^ *iifname "sit1" oifname "br-lan" ct state new /m,
  },

  // Units and their log.
  {
    shown: "systemctl list-units 'natpmp-*'",
    on: 'router',
    says: /natpmp-frontend@br\\x2dlan\.service +loaded active/,
  },
  { shown: "systemctl status 'natpmp-frontend@br\\x2dlan'", on: 'router' },
  { shown: 'systemctl status natpmp-ruleset', on: 'router', exit: 3, says: /natpmp-ruleset\.service/ },
  { shown: 'systemd-escape br-lan', on: 'router', says: /^br\\x2dlan\n$/ },
  {
    shown: "systemd-analyze security natpmp-helper.service 'natpmp-frontend@br\\x2dlan.service'",
    on: 'router',
    says: /0\.6 SAFE[\s\S]*0\.2 SAFE/,
  },
  { shown: 'systemd-analyze security', on: 'router', says: /natpmp-helper/ },
  { shown: 'journalctl -u natpmp-helper', on: 'router', says: /"msg":"granted"/ },
  { shown: "journalctl -u natpmp-helper -g 'state restored'", on: 'router', says: /"epoch":"continues","why":null/ },
  { shown: "journalctl -u natpmp-helper -u 'natpmp-frontend@*'", on: 'router', says: /natpmp-frontend/ },
  { shown: "journalctl -u 'natpmp-*' -b", on: 'router', says: /natpmp-server\.target/ },
  { shown: "journalctl -p warning -u 'natpmp-*'", on: 'router', says: /someone else changed the ruleset/ },
  { shown: 'man natpmpctl', on: 'router', as: 'cat /usr/local/share/man/man8/natpmpctl.8', says: /\.SH NAME/ },

  // A copy of the state, put back.
  {
    shown: 'cp /var/lib/natpmp-server/leases.journal /root/leases.journal',
    on: 'router',
    after: async (places) => {
      assert.is((await places.router.box.mappings()).length, 4);
    },
  },
  { shown: 'natpmpctl remove tcp 8080', on: 'router' },
  {
    shown: 'natpmpctl revoke --host HOST',
    on: 'router',
    as: 'natpmpctl revoke --host 192.168.1.3 --yes',
    says: /1 mapping/,
  },
  {
    shown: 'natpmpctl revoke --host 192.168.1.2',
    on: 'router',
    as: 'natpmpctl revoke --host 192.168.1.2 --yes',
    says: /2 mappings/,
  },
  {
    shown: 'natpmpctl revoke --all',
    on: 'router',
    as: 'natpmpctl revoke --all --yes',
    before: async ({ router }) => (await asker(router)).map('tcp', 7002, 7002, 60),
    after: async ({ router }) => assert.equal(await router.box.mappings(), []),
  },
  { shown: 'systemctl stop natpmp-server.target', on: 'router' },
  { shown: 'cp /root/leases.journal /var/lib/natpmp-server/', on: 'router' },
  { shown: 'chown --reference=/var/lib/natpmp-server/. /var/lib/natpmp-server/leases.journal', on: 'router' },
  {
    shown: 'systemctl start natpmp-server.target',
    on: 'router',
    after: async (places) => {
      await answers(places);
      assert.equal(await places.router.box.mappings(), [
        'tcp 51413 -> 192.168.1.2:51413',
        'tcp 8080 -> 192.168.1.5:80',
        'udp 51413 -> 192.168.1.2:51413',
        'udp 9308 -> 192.168.1.3:9308',
      ]);
    },
  },
  { shown: 'systemctl restart natpmp-server.target', on: 'router', after: answers },
  { shown: 'systemctl daemon-reload', on: 'router' },

  // Over IPv6.
  { shown: 'natpmpctl list --host 02:00:00:00:00:02', on: 'router', before: withPinholes },
  { shown: 'natpmp-client fe80::1%eth0 info', on: 'LAN host', says: /^PCP is spoken, epoch/ },
  {
    shown: 'natpmp-client fe80::1%eth0 keep 8080 0 tcp 3600',
    on: 'LAN host',
    signal: 'INT',
    meanwhile: async (running) => running.says(/^mapped: tcp 8080 open: /m),
  },
  {
    shown: 'natpmpctl revoke --host 02:00:00:00:00:02',
    on: 'router',
    as: 'natpmpctl revoke --host 02:00:00:00:00:02 --yes',
    says: /^1 pinhole removed$/m,
  },
  { shown: `natpmpctl add tcp 8443 ${ALICE6}`, on: 'router', says: /^added: tcp 8443 -> / },
  { shown: 'natpmpctl show tcp/8443', on: 'router', says: /a pinhole of IPv6[\s\S]*static/ },
  { shown: `natpmpctl remove tcp 8443 ${ALICE6}`, on: 'router', says: /^removed: / },
  {
    shown: 'natpmpctl revoke --host nas --dhcp-leases /var/lib/misc/dnsmasq.leases',
    on: 'router',
    as: 'natpmpctl revoke --host nas --dhcp-leases /var/lib/misc/dnsmasq.leases --yes',
    says: /^2 mappings and 1 pinhole removed$/m,
    before: async ({ router }) => {
      const nas = await asker(router);
      for (const protocol of ['tcp', 'udp'] as const) await nas.map(protocol, 51413, 51413, 7200);
      await (await pcpClient(router)).map(51413, { lifetime: 7200 });
    },
  },

  // Installed by hand, in place of what install.sh has copied.
  {
    shown:
      'cp -R dist/caller dist/cli dist/config dist/frontend dist/helper dist/process dist/proto dist/upnp    $HOME_DIR/dist/',
    on: 'router',
    before: sh('rm -rf /usr/local/lib/natpmp-server/*; mkdir /usr/local/lib/natpmp-server/dist'),
    as:
      'HOME_DIR=/usr/local/lib/natpmp-server; cp -R dist/caller dist/cli dist/config dist/frontend dist/helper ' +
      'dist/process dist/proto dist/upnp    $HOME_DIR/dist/',
  },
  {
    shown: 'cp -R package.json node_modules systemd/natpmp-ruleset systemd/natpmp-own-ports    $HOME_DIR/',
    on: 'router',
    as:
      'HOME_DIR=/usr/local/lib/natpmp-server; cp -R package.json node_modules systemd/natpmp-ruleset ' +
      'systemd/natpmp-own-ports    $HOME_DIR/',
  },
  {
    shown: 'cp systemd/*.service systemd/*.socket systemd/*.target systemd/*.timer systemd/*.path /etc/systemd/system/',
    on: 'router',
  },
  { shown: 'cp systemd/natpmp.sysusers /etc/sysusers.d/natpmp.conf && systemd-sysusers', on: 'router' },
  {
    shown: 'mkdir -p /etc/natpmp-server && cp systemd/gateway.env systemd/gateway.conf /etc/natpmp-server/',
    on: 'router',
  },
  {
    shown: "systemctl enable --now natpmp-server.target 'natpmp-frontend@br\\x2dlan.socket'",
    on: 'router',
    before: sh('systemctl daemon-reload; systemctl restart natpmp-server.target'),
    after: answers,
  },
  // The rest of uninstalling is in test/systemd/gateway.test.ts, which does it in the order of the page.
  {
    shown: 'nft delete table inet nat',
    on: 'router',
    before: sh('systemctl stop natpmp-server.target'),
    after: async (places) => {
      await sh('systemctl start natpmp-server.target')(places);
      await answers(places);
    },
  },
  { shown: 'systemctl status natpmp-table.service', on: 'router', says: /active \(exited\)/ },
  {
    shown: 'systemctl stop natpmp-table.service',
    on: 'router',
    after: sh('! nft list table inet nat 2>/dev/null; ! systemctl is-active natpmp-helper.service'),
  },
];

/** What came of commands that show something only while another one runs. */
export const shownBeside = new Map<string, string>();
export const BESIDE = ['ps -ewwo user,args --forest'];
