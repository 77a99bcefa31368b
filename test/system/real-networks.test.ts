// What is there on networks that people have: interfaces that come, go and are created again, and rulesets that are
// saved and loaded.
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { claims, skip } from '../support/cases.js';
import { ALICE, EXTERNAL, openLab, ROUTER } from '../lab/lab.js';
import { tcpFlow, until } from '../lab/flows.js';
import { SOON_MS } from '../lab/inbox.js';
import { Asker } from '../lab/natpmp.js';
import { PppLink } from '../lab/ppp.js';
import { Server, type Surroundings } from '../lab/server.js';

const PORT = 8080;
/** Of the provider's end of the line. */
const PROVIDER = '100.64.0.1';
/** What Docker and Podman leave to a container, and the one that is added. */
const CONTAINER =
  '-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+net_raw,+sys_chroot,+mknod,+audit_write,+setfcap,+net_admin';

const PROJECT = join(import.meta.dirname, '../../..');

const lab = await openLab();

if (lab !== null) {
  const { alice, router, outside } = lab;
  const asker = await Asker.open(alice, ROUTER);
  const web = await alice.listen(PORT);
  /** Whether a connection to the address from outside is alice's. */
  const isReached = async (address: string, withinMs = SOON_MS): Promise<boolean> => {
    const connected = await outside.connect(address, PORT, { withinMs });
    if (connected.kind !== 'connected') return false;
    const accepted = await web.accept();
    connected.connection.close();
    return accepted !== null;
  };
  /** RFC 6886 §3.6: a client would take it for a loss of state if the epoch went back. */
  const epoch = async () => (await asker.info()).epoch;

  /** With a server that is gone afterwards, whatever happens: the next row has one of its own. */
  const serving = async (
    name: string,
    flags: readonly string[],
    check: (server: Server) => Promise<void>,
    around: Surroundings = {},
  ): Promise<void> => {
    const server = await Server.start(lab, flags, name, around);
    try {
      await check(server);
      assert.is(await server.stop(), 0);
    } finally {
      await server.kill();
    }
  };

  /** A node with the rights of a container, where the project's files are in this folder. */
  const contained = (folder: string): string => {
    const program = join(lab.folder, `contained${folder.replaceAll('/', '-')}`);
    const only = `--inh-caps=${CONTAINER} --bounding-set=${CONTAINER}`;
    const inside = `mkdir -p ${folder} && mount --bind ${PROJECT} ${folder} && script=${folder}/\${1#${PROJECT}/} && shift`;
    writeFileSync(
      program,
      `#!/bin/sh\nexec unshare --mount sh -c '${inside} && exec setpriv ${only} ${process.execPath} "$script" "$@"' sh "$@"\n`,
    );
    chmodSync(program, 0o755);
    return program;
  };

  claims('kept through what a network does', {
    'br-lan is created again, five times': () =>
      serving('lan', [], async (server) => {
        await asker.map('tcp', PORT, PORT, 3600);
        const before = await epoch();
        for (let round = 0; round < 5; round++) {
          await lab.ip('link del br-lan');
          await router.namespace.bridge('br-lan', `${ROUTER}/24`);
          for (const name of ['alice', 'bob']) await lab.ip(`link set to-${name} master br-lan`);
          await server.answering();
          assert.ok(await isReached(EXTERNAL), `round ${round}`);
          assert.is((await asker.map('tcp', PORT, PORT, 3600)).externalPort, PORT);
        }
        assert.ok((await epoch()) >= before);
        assert.equal(await server.mappings(), [`tcp ${PORT} -> ${ALICE}:${PORT}`]);
      }),

    'the address of a virtual router comes and goes on the LAN': () =>
      serving('vrrp', [], async (server) => {
        await asker.map('tcp', PORT, PORT, 3600);
        const before = await epoch();
        const virtual = '192.168.1.254';
        const askVirtual = await Asker.open(alice, virtual);
        for (let round = 0; round < 3; round++) {
          await lab.ip(`addr add ${virtual}/24 dev br-lan`);
          await until(
            'it is answered from the virtual address, which a connected socket insists on',
            async () => (await askVirtual.map('tcp', PORT, PORT, 3600).catch(() => null))?.externalPort === PORT,
          );
          await lab.ip(`addr del ${virtual}/24 dev br-lan`);
          await server.answering();
          assert.ok(await isReached(EXTERNAL), `round ${round}`);
        }
        assert.ok((await epoch()) >= before);
        assert.equal(await server.mappings(), [`tcp ${PORT} -> ${ALICE}:${PORT}`]);
      }),

    'MAP-E: a port set of 15 ranges of 16 ports is used up, and no other port is given': async () => {
      // RFC 7597 §5.1: 4 bits of offset, 8 of the port set identifier, here 0x34.
      const ranges = Array.from({ length: 15 }, (_, index) => ((index + 1) << 12) | 0x340);
      const ports = ranges.flatMap((first) => Array.from({ length: 16 }, (_, index) => first + index));
      const allowed = ranges.flatMap((first) => ['--allowed-ports', `${first}-${first + 15}`]);
      await serving('map-e', [...allowed, '--max-mappings-per-ip', '1000'], async (server) => {
        const given: number[] = [];
        for (let internal = 20_000; internal < 20_000 + ports.length; internal++) {
          const { result, externalPort } = await asker.map('tcp', internal, internal, 3600);
          assert.is(result, 0, `after ${given.length}`);
          given.push(externalPort);
        }
        assert.equal(
          given.sort((a, b) => a - b),
          ports,
        );
        assert.is((await asker.map('tcp', 30_000, 30_000, 3600)).result, 4);
        const last = ports.at(-1) ?? 0;
        const line = (await server.list()).find(({ externalPort }) => externalPort === last);
        const game = await alice.listen(line?.internalPort ?? 0);
        await tcpFlow(outside, EXTERNAL, last, game);
        game.close();
      });
    },

    'nft list ruleset, saved and loaded again': () =>
      serving('saved', [], async (server) => {
        await asker.map('tcp', PORT, PORT, 3600);
        const before = await epoch();
        const table = await server.mappings();
        const saved = await router.run('nft', 'list', 'ruleset');
        assert.is(saved.status, 0);
        for (const script of [`flush ruleset\n${saved.stdout}`, saved.stdout]) {
          await lab.nft(script);
          await until('every element is there, once', async () => {
            const { in: inbound, out, live } = await server.elements();
            return [inbound, out, live].every((set) => `${set}` === `${table}`);
          });
          assert.ok(await isReached(EXTERNAL));
          await server.answering();
          assert.is((await asker.map('tcp', PORT, PORT, 3600)).externalPort, PORT);
        }
        assert.equal(await server.mappings(), table);
        assert.ok((await epoch()) >= before);
        assert.is(await asker.unmap('tcp', PORT).then(({ result }) => result), 0);
        await until('a deletion is one', async () => !(await isReached(EXTERNAL, 500)));
      }),

    'a container, with --cap-add NET_ADMIN alone': async () => {
      await serving(
        'contained',
        [],
        async (server) => {
          await asker.map('tcp', PORT, PORT, 3600);
          assert.ok(await isReached(EXTERNAL));
          await server.killOne('helper');
          await server.answering();
          assert.ok(await isReached(EXTERNAL));
        },
        { program: contained('/mnt') },
      );
    },
    'the same, if its files are where other users cannot read them: says so': async () => {
      const closed = join(lab.folder, 'private');
      mkdirSync(closed, { mode: 0o700 });
      const why = await serving('closed', [], async () => {}, { program: contained(`${closed}/app`) }).then(
        () => 'it serves',
        String,
      );
      assert.match(why, /cannot pass .*\/private, and mounts are not permitted here: install it where every user can/);
    },
  });

  if (!existsSync('/dev/net/tun')) skip('PPP', 'there is no /dev/net/tun: modprobe tun');
  else
    claims('kept through a redial', {
      'PPP, with an address of carrier NAT: the interface goes, and comes with another address': async () => {
        await lab.ip('link del wan0');
        const dial = async (address: string) => {
          const link = await PppLink.open(
            { in: router.namespace, device: 'wan0', address },
            { in: outside.namespace, device: 'ppp0', address: PROVIDER },
          );
          await lab.ip('route add default dev wan0');
          return link;
        };
        const addresses = ['100.64.7.1', '100.64.7.2', '100.64.7.3'] as const;
        let link = await dial(addresses[0]);
        await serving('ppp', [], async (server) => {
          await asker.map('tcp', PORT, PORT, 3600);
          assert.ok(await isReached(addresses[0]));
          const before = await epoch();
          for (const address of addresses.slice(1)) {
            await link.close();
            link = await dial(address);
            await until(
              `clients are told ${address}`,
              async () => (await asker.info().catch(() => null))?.address === address,
            );
            assert.ok(await isReached(address));
            assert.is((await asker.map('tcp', PORT, PORT, 3600)).externalPort, PORT);
          }
          assert.ok((await epoch()) >= before);
          assert.equal(await server.mappings(), [`tcp ${PORT} -> ${ALICE}:${PORT}`]);
        });
      },
    });
}
