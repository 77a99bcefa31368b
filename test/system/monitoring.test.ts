// A real gateway, scraped: by hand, and by Prometheus. Its metrics are those of docs/monitoring.md, of the dashboard
// and of the alerts; and whatever the LAN does, the log stays short.

import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import * as assert from 'uvu/assert';
import type { Namespace } from '../support/network.js';
import { atEnd, cases, claims, skip } from '../support/cases.js';
import { ALICE6, onLan, openDualStackLab, ROUTER6_LOCAL } from '../lab/ipv6.js';
import { ALICE, BOB, ROUTER } from '../lab/lab.js';
import { until } from '../lab/flows.js';
import { startLoad } from '../lab/busy-clients.js';
import { Asker, mapRequest } from '../lab/natpmp.js';
import { PcpClient } from '../lab/pcp.js';
import { must } from '../support/run.js';
import { Server } from '../lab/server.js';
import { prometheus } from '../support/prometheus.js';

const PROJECT = resolve(import.meta.dirname, '../../..');
const MONITORING = join(PROJECT, 'monitoring');
const JOB = 'natpmp';
/** What a busy machine may take for anything here. */
const DEADLINE_MS = 60_000;

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}
const dashboard = JSON.parse(readFileSync(join(MONITORING, 'grafana-dashboard.json'), 'utf8')) as {
  panels: readonly Panel[];
};
const shown = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
const alerts = readFileSync(join(MONITORING, 'alerts.yml'), 'utf8');
const page = readFileSync(join(PROJECT, 'docs/monitoring.md'), 'utf8');

/** A row of the tables in docs/monitoring.md: "gauge protocol". Those of UPnP are another process's: upnp.test.ts. */
const documented = new Map(
  [...page.matchAll(/^\| `(natpmp_(?!upnp_)\w+)` \| (\w+) \|([^|]*)\|/gm)].map(
    ([, name = '', type = '', labels = '']) => [name, `${type} ${labels.replaceAll('`', '').trim()}`.trim()],
  ),
);

const documentedOfUpnp = new Set([...page.matchAll(/^\| `(natpmp_upnp_\w+)` /gm)].map(([, name = '']) => name));

/** The same of a scrape. */
function told(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)].map(([, family = '', type = '']) => {
      const name = type === 'counter' ? `${family}_total` : family;
      const [, labels = ''] = new RegExp(`^${name}(?:_bucket)?\\{(.*)\\} `, 'm').exec(text) ?? [];
      const names = [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label).filter((label) => label !== 'le');
      return [name, `${type} ${names.join(', ')}`.trim()];
    }),
  );
}

function value(text: string, series: string): number {
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.slice(series.length + 1) ?? NaN,
  );
}

const AGAIN_MS = 100;
const TRIES = 300;

/** Fetches pages in a network namespace, one after the other, in a process that ends with this one. */
function browser({ entrance: [enter, ...rest] }: Namespace): (url: string) => Promise<string> {
  const script = `
    for await (const url of require('node:readline').createInterface({ input: process.stdin })) {
      const said = await fetch(url).then(async (reply) => ({ status: reply.status, text: await reply.text() }), (error) => ({ status: 0, text: String(error) }));
      process.stdout.write(JSON.stringify(said) + '\\n');
    }`;
  const child = spawn(enter, [...rest, process.execPath, '-e', `(async () => {${script}})()`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  atEnd(() => {
    child.kill('SIGKILL');
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let last: Promise<unknown> = Promise.resolve();
  // Who asks again and again is shown out, and asks a little later.
  const fetched = async (url: string): Promise<string> => {
    for (let tries = 1; ; tries++) {
      child.stdin.write(`${url}\n`);
      const { status, text } = JSON.parse((await lines.next()).value as string) as { status: number; text: string };
      if (status === 200) return text;
      if (status !== 0 || tries === TRIES) throw new Error(`${url}: ${status} ${text}`);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  };
  return (url) => {
    const mine = last.then(() => fetched(url));
    last = mine.catch(() => {});
    return mine;
  };
}

const lab = await openDualStackLab();

if (lab !== null) {
  const flags = ['--metrics-listen', '127.0.0.1:9551', '--max-mappings-per-ip', '500'];
  let server = await Server.start(lab, flags, 'without');
  const get = browser(lab.router.namespace);
  const scrape = (): Promise<string> => get('http://127.0.0.1:9551/metrics');
  const withoutPinholes = await scrape();
  await server.stop();
  server = await Server.start(lab, [...flags, '--pinholes', '--upnp', '--upnp-metrics-listen', '127.0.0.1:9552']);
  await until('natpmp-upnp is ready', async () => server.log.includes('"upnpPort"'));
  const alice = await Asker.open(lab.alice, ROUTER);
  const pcp = await PcpClient.open(lab.alice, ALICE6, onLan(ROUTER6_LOCAL));
  const text = await scrape();
  const textOfUpnp = await get('http://127.0.0.1:9552/metrics');

  claims('docs/monitoring.md', {
    'lists exactly the metrics of a scrape, with their types and labels': () =>
      assert.equal([...documented].sort(), [...told(text)].sort()),
    'says which of them are there only with pinholes': () => {
      const [, section = ''] = /\n### Of pinholes\n(.*?)\n##/s.exec(page) ?? [];
      const listed = [...section.matchAll(/^\| `(natpmp_\w+)`/gm)].map(([, name = '']) => name);
      assert.ok(listed.length > 3);
      assert.equal([...told(withoutPinholes).keys(), ...listed].sort(), [...told(text).keys()].sort());
    },
    'lists exactly the alerts there are': () => {
      const [, table = ''] = page.split('\n## Alerts\n');
      const listed = [...(table.split('\n## ')[0] ?? '').matchAll(/^\| (`Natpmp[^|]*)\|/gm)].flatMap(
        ([, names = '']) => names.match(/Natpmp\w+/g) ?? [],
      );
      assert.equal(listed.sort(), [...alerts.matchAll(/^ *- alert: (\w+)$/gm)].map(([, name = '']) => name).sort());
    },
    'names the reasons and kinds that there are': () => {
      for (const [, reason = ''] of text.matchAll(/requests_dropped_total\{reason="(\w+)"/g))
        assert.ok(page.includes(`\`${reason}\``), reason);
      for (const [, kind = ''] of text.matchAll(/external_address\{kind="(\w+)"/g))
        assert.ok(page.includes(`\`${kind}\``), kind);
    },
  });

  const series = new Set(
    [...told(text), ...told(textOfUpnp)].flatMap(([name, type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
  cases(
    'every metric in use is one of a scrape',
    [
      ...shown.map(({ title, expr }) => ({ name: `dashboard: ${title}: ${expr.slice(0, 50)}`, expr })),
      ...[...alerts.matchAll(/^ *expr: (.*)$/gm)].map(([, expr = '']) => ({
        name: `alert: ${expr.slice(0, 60)}`,
        expr,
      })),
    ],
    ({ expr }) => {
      const names = expr.match(/natpmp_\w+/g) ?? [];
      assert.ok(names.length > 0 || expr.includes('up{job='), expr);
      for (const name of names) assert.ok(series.has(name), name);
    },
  );
  claims('the dashboard', {
    'shows every metric, but those that say the same in another way': () => {
      const used = new Set(
        shown
          .flatMap(({ expr }) => expr.match(/natpmp_\w+/g) ?? [])
          .map((name) => name.replace(/_(bucket|sum|count)$/, '')),
      );
      assert.equal(
        [...documented.keys(), ...documentedOfUpnp].filter((name) => !used.has(name)),
        [],
      );
    },
  });

  claims('what is counted', {
    'is what was asked, and what became of it': async () => {
      const before = await scrape();
      await alice.map('tcp', 8080, 8080, 600);
      await alice.map('udp', 8081, 8081, 600);
      await alice.unmap('udp', 8081);
      await alice.info();
      await alice.ask(`0201 ${'00'.repeat(58)}`);
      await alice.info();
      const after = await scrape();
      // Retransmissions to a slow machine count too: at least so much.
      for (const [name, least] of [
        ['natpmp_requests_total{opcode="map_tcp",result="success"}', 1],
        ['natpmp_requests_total{opcode="map_udp",result="success"}', 2],
        ['natpmp_requests_total{opcode="external_address",result="success"}', 2],
        ['natpmp_requests_total{opcode="other",result="unsupported_version"}', 1],
        ['natpmp_request_duration_seconds_count', 6],
        ['natpmp_helper_kernel_seconds_count', 3],
        ['natpmp_helper_journal_seconds_count', 3],
        ['natpmp_helper_batch_requests_count', 3],
      ] as const) {
        const grown = value(after, name) - value(before, name);
        assert.ok(grown >= least && grown <= least + 20, `${name} grew by ${grown}`);
      }
      assert.is(value(after, 'natpmp_leases{protocol="tcp"}'), 1);
      assert.is(value(after, 'natpmp_leases{protocol="udp"}'), 0);
      assert.is(value(after, 'natpmp_hosts'), 1);
      assert.is(value(after, 'natpmp_helper_mappings{origin="dynamic"}'), 1);
      assert.ok(value(after, 'natpmp_helper_journal_seconds_sum') > value(before, 'natpmp_helper_journal_seconds_sum'));
    },
    'is the same of pinholes': async () => {
      const before = await scrape();
      await pcp.map(8080);
      await pcp.map(8081, { protocol: 'udp' });
      await pcp.unmap(8081, { protocol: 'udp' });
      await server.administrate('add', 'tcp', '8082', ALICE6);
      const after = await scrape();
      for (const [name, least] of [
        ['natpmp_pcp_requests_total{opcode="map",result="success"}', 2],
        ['natpmp_pcp_requests_total{opcode="delete",result="success"}', 1],
        ['natpmp_request_duration_seconds_count', 3],
        ['natpmp_helper_batch_requests_count', 4],
      ] as const) {
        const grown = value(after, name) - value(before, name);
        assert.ok(grown >= least && grown <= least + 20, `${name} grew by ${grown}`);
      }
      for (const [name, number] of [
        ['natpmp_pinholes{protocol="tcp"}', 2],
        ['natpmp_pinholes{protocol="udp"}', 0],
        ['natpmp_helper_pinholes{origin="dynamic"}', 1],
        ['natpmp_helper_pinholes{origin="static"}', 1],
        ['natpmp_helper_pinholes_max', 16384],
      ] as const)
        assert.is(value(after, name), number, name);
      assert.ok(value(after, 'natpmp_pinhole_devices') >= 1);
      await server.administrate('revoke', '--static', '--yes', '--host', ALICE6);
    },
    'a frozen helper: the scrape has an answer, and says so': async () => {
      server.signalOne('helper', 'SIGSTOP');
      const frozen = await scrape();
      server.signalOne('helper', 'SIGCONT');
      assert.is(value(frozen, 'natpmp_helper_up'), 0);
      assert.is(value(frozen, 'natpmp_leases{protocol="tcp"}'), 1, 'as they were last');
      await until('the helper answers again', async () => value(await scrape(), 'natpmp_helper_up') === 1, DEADLINE_MS);
    },
    'a helper that was killed is lost and found, and its age begins again': async () => {
      const before = await scrape();
      await server.killOne('helper');
      await until(
        'it is found',
        async () => value(await scrape(), 'natpmp_helper_found_total') > value(before, 'natpmp_helper_found_total'),
        DEADLINE_MS,
      );
      const after = await scrape();
      assert.ok(value(after, 'natpmp_helper_lost_total') > value(before, 'natpmp_helper_lost_total'));
      assert.ok(value(after, 'natpmp_epoch_seconds') >= value(before, 'natpmp_epoch_seconds'), 'the epoch goes on');
    },
    'a flushed ruleset is a resynchronisation': async () => {
      await lab.nft('flush set inet nat NATPMP-live');
      await until(
        'it is counted',
        async () => value(await scrape(), 'natpmp_helper_resynchronisations_total') >= 1,
        DEADLINE_MS,
      );
      assert.is(value(await scrape(), 'natpmp_helper_kernel_in_step'), 1);
    },
    'nobody on the LAN can read it': async () => {
      assert.is((await lab.alice.connect(ROUTER, 9551, { withinMs: 2000 })).kind, 'failed');
    },
  });

  claims('a flood', {
    'of mappings and of nonsense does not fill the log': async () => {
      const [lengthBefore, from] = [server.log.length, Date.now()];
      const loads = await Promise.all([startLoad(lab.alice, ALICE, 10_000), startLoad(lab.bob, BOB, 20_000)]);
      await Promise.all(loads.map((load) => load.more(300)));
      for (let sent = 0; sent < 5000; sent++) {
        alice.udp.send(
          sent % 3 === 0 ? '0003' : sent % 3 === 1 ? '0200' : mapRequest('tcp', 30_000 + (sent % 5000), 0, 600),
        );
      }
      await alice.info();
      await Promise.all(loads.map((load) => load.stop()));
      const said = server.log.slice(lengthBefore);
      const intervals = 1 + Math.ceil((Date.now() - from) / 10_000);
      const count = (word: string): number => said.split('\n').filter((line) => line.includes(word)).length;
      assert.ok(count('"msg":"granted"') > 0, 'mappings were granted');
      assert.ok(
        count('"internalAddress"') <= 8 * intervals,
        `${count('"internalAddress"')} lines in ${intervals} times ten seconds`,
      );
      // Eight lines of 200 octets, a summary of each kind, and some air.
      assert.ok(said.length <= 4096 * intervals, `${said.length} octets:\n${said.slice(0, 4000)}`);
    },
  });

  const found = await prometheus();
  if ('why' in found) skip('the metrics in Prometheus', found.why);
  else {
    const api = 'http://127.0.0.1:9090/api/v1';
    const ask = async (path: string): Promise<unknown> =>
      (JSON.parse(await get(`${api}/${path}`)) as { data: unknown }).data;
    const folder = join(lab.folder, 'prometheus');
    mkdirSync(folder);
    copyFileSync(join(MONITORING, 'alerts.yml'), join(folder, 'alerts.yml'));
    // As shipped with UPnP, but scraped more often.
    writeFileSync(
      join(folder, 'prometheus.yml'),
      readFileSync(join(MONITORING, 'prometheus.yml'), 'utf8')
        .replaceAll('15s', '500ms')
        .replaceAll(/^  # (?=- |  )/gm, '  '),
    );
    const [enter, ...rest] = lab.router.namespace.entrance;
    const child = spawn(
      enter,
      [
        ...rest,
        join(found.folder, 'prometheus'),
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        '--web.listen-address=127.0.0.1:9090',
        '--log.level=warn',
      ],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
    atEnd(() => {
      child.kill('SIGKILL');
    });
    interface Vector {
      readonly result: readonly { readonly value: readonly [number, string] }[];
    }
    const query = (expr: string): Promise<Vector> => ask(`query?query=${encodeURIComponent(expr)}`) as Promise<Vector>;
    await until(
      'Prometheus has scraped, thrice',
      async () => {
        const counted = await query(`count_over_time(up{job=~"${JOB}(-upnp)?"}[1m])`).catch(() => null);
        const counts = counted?.result.map(({ value: [, count] }) => Number(count)) ?? [];
        return counts.length === 2 && counts.every((count) => count >= 3);
      },
      DEADLINE_MS,
    );

    claims('Prometheus', {
      'scrapes it, and has all of it': async () => {
        for (const job of [JOB, `${JOB}-upnp`])
          assert.is((await query(`up{job="${job}"}`)).result[0]?.value[1], '1', job);
        const names = (await ask('label/__name__/values')) as string[];
        assert.equal(names.filter((name) => name.startsWith('natpmp_')).sort(), [...series].sort());
      },
      'takes the rules, and none of them fails': async () => {
        const { groups } = (await ask('rules')) as {
          groups: { rules: { name: string; health: string; lastError?: string }[] }[];
        };
        const rules = groups.flatMap((group) => group.rules);
        assert.is(rules.length, (alerts.match(/- alert:/g) ?? []).length);
        for (const { name, health, lastError } of rules) assert.is.not(health, 'err', `${name}: ${lastError}`);
      },
      'agrees with the tests of the rules': async () => {
        await must(join(found.folder, 'promtool'), ['check', 'rules', join(MONITORING, 'alerts.yml')]);
        await must(join(found.folder, 'promtool'), ['test', 'rules', join(MONITORING, 'alerts.test.yml')]);
        await must(join(found.folder, 'promtool'), ['check', 'config', join(MONITORING, 'prometheus.yml')]);
      },
    });
    cases(
      'Prometheus answers the dashboard',
      shown.map(({ title, expr }) => ({ name: `${title}: ${expr}`, expr })),
      async ({ expr }) => {
        const { result } = await query(expr.replaceAll('$job', JOB).replaceAll(/\$__(rate_)?interval/g, '1m'));
        assert.ok(result.length > 0, 'there is something to show');
      },
    );
  }
}
