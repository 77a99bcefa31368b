// natpmpctl web before a real gateway, in a real browser. The browser lives in the router's namespace, as one does that
// comes through a tunnel. With SCREENSHOTS=FOLDER the pictures of the documents are written there.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { openHelper } from '../../cli/natpmpctl/helper.js';
import { parseIpv4 } from '../../proto/mapping.js';
import { DEADLINE_MS, findChromium, openBrowser, openTab, type Tab } from '../lab/browser.js';
import { claims, skip } from '../support/cases.js';
import { ALICE, BOB, EXTERNAL, openLab, ROUTER } from '../lab/lab.js';
import { passes, tcpFlow, until } from '../lab/flows.js';
import { Asker } from '../lab/natpmp.js';
import { run } from '../support/run.js';
import { Server } from '../lab/server.js';
import { Web } from '../lab/web.js';
import { nobodyIn } from '../support/nobody.js';

const CTL = join(import.meta.dirname, '../../cli/natpmpctl.js');
const PICTURES = process.env['SCREENSHOTS'] ?? '';
const lab = await openLab();
const chromium = findChromium();
if (chromium === null) skip('the status page', 'there is no chromium (Debian: chromium)');

/** The texts of an element's children, each on one line. */
const textsOf = (page: Page, selector: string) =>
  page
    .locator(selector)
    .allInnerTexts()
    .then((all) => all.map((text) => text.replaceAll(/\s+/g, ' ').trim()));
const rowsOf = (page: Page) => textsOf(page, '#rows tr');
const stateOf = (page: Page) => page.locator('#state').innerText();
/** What the page itself is answered, as its scripts would be. */
const fetched = (page: Page, path: string, init = {}) =>
  page.evaluate<number>(`fetch(${JSON.stringify(path)}, ${JSON.stringify(init)}).then((reply) => reply.status)`);
const shows = (what: string, isSo: () => Promise<boolean>) => until(what, isSo, DEADLINE_MS);

/**
 * Text whose contrast with what is behind it is below 4.5 to 1 (WCAG 2.2, 1.4.3). Opaque grounds only, as the page has
 * them.
 */
const FAINT = `(() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const linear = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const c = parse(getComputedStyle(at).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const hasText = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim() !== '');
  const texts = [...document.querySelectorAll('body *')].filter(
    (e) => e.checkVisibility() && hasText(e) && !e.matches('.quiet, :disabled'));
  return texts.flatMap((e) => {
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    return ratio < 4.5 ? [e.textContent + ' ' + ratio.toFixed(2)] : [];
  });
})()`;
const WIDER = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';

if (lab !== null && chromium !== null) {
  const server = await Server.start(lab, ['--max-mappings-per-ip', '12000']);
  const names = join(lab.folder, 'dnsmasq.leases');
  writeFileSync(names, `1 aa ${ALICE} nas *\n1 ab ${BOB} playstation *\n`);
  const [alice, bob] = [await Asker.open(lab.alice, ROUTER), await Asker.open(lab.bob, ROUTER)];
  const [web, revoking] = await Promise.all([
    Web.start(lab, server.socket, ['--dhcp-leases', names]),
    Web.start(lab, server.adminSocket, ['--allow-revoke', '--dhcp-leases', names]),
  ]);
  const browser = await openBrowser(chromium, lab.router, lab.folder);
  const tabs: (Tab & { readonly url: string })[] = [];
  const open = async (url: string, options = {}): Promise<Page> => {
    const tab = await openTab(browser, url, options);
    tabs.push({ ...tab, url });
    await shows('the page is live', async () => (await stateOf(tab.page)) === 'live');
    return tab.page;
  };
  const page = await open(web.url);
  const held = async () => (await server.elements()).in;

  if (PICTURES !== '') {
    claims('pictures', {
      'of the page: light, dark on a phone, and others to look at': async () => {
        await alice.map('tcp', 51413, 51413, 7200);
        await alice.map('udp', 51413, 51413, 7200);
        await alice.map('tcp', 22000, 22000, 3600);
        await bob.map('udp', 9308, 9308, 90);
        await run(process.execPath, [CTL, 'add', 'tcp', '8080', `${ALICE}:80`, '--socket', server.adminSocket]);
        await bob.map('udp', 9309, 9309, 1);
        const shown = await open(revoking.url, { viewport: { width: 900, height: 615 } });
        const [inside, outside] = [await lab.alice.udp({ port: 51413 }), await lab.outside.udp()];
        const sending = setInterval(() => outside.sendText('x'.repeat(1200), EXTERNAL, 51413), 5);
        await until(
          'a client has forgotten to renew',
          async () => (await rowsOf(shown)).length === 5 && (await shown.locator('tr.ending').count()) > 0,
          120_000,
        );
        const take = (name: string, options = {}) =>
          shown.screenshot({ path: join(PICTURES, `${name}.png`), ...options });
        await take('web-light');
        await shown.emulateMedia({ colorScheme: 'dark' });
        await shown.setViewportSize({ width: 375, height: 760 });
        await take('web-phone-dark');
        await shown.getByRole('button', { name: 'Revoke tcp 22000 of nas' }).click();
        await take('other-question');
        await shown.keyboard.press('Escape');
        await shown.setViewportSize({ width: 900, height: 760 });
        await shown.locator('#health summary').click();
        await take('other-dark', { fullPage: true });
        clearInterval(sending);
        server.signal('SIGSTOP');
        await server.killOne('helper');
        await shown.emulateMedia({ colorScheme: 'light' });
        await shown.getByText('helper away').waitFor();
        await take('other-away');
        server.signal('SIGCONT');
        await server.answering();
        inside.close();
        for (const asker of [alice, bob])
          for (const protocol of ['tcp', 'udp'] as const) await asker.unmap(protocol, 0);
        await run(process.execPath, [CTL, 'revoke', '--all', '--static', '--yes', '--socket', server.adminSocket]);
        await shown.close();
        await page.reload();
      },
    });
  }

  claims('the page', {
    'of a gateway without mappings says so, and that all is well': async () => {
      await page.getByText('No host has a mapping now.').waitFor();
      await page.getByText('Health: all is well').waitFor();
      assert.is(await page.locator('#address').innerText(), EXTERNAL);
      await page.locator('#health summary').click();
      await page.getByText(`pid ${server.pid('helper')}, up `).waitFor();
      const items = await textsOf(page, '#health-items dd');
      assert.match(items[1] ?? '', new RegExp(`^pid ${server.pid('frontend')}, up .*, for ${ROUTER}/24$`));
      assert.equal(items.slice(2, 4), [`${EXTERNAL} on wan0, a public address`, 'in step with the table']);
    },
    'shows a mapping when its host has asked for it, without a reload': async () => {
      await alice.map('tcp', 7000, 7500, 600);
      await bob.map('udp', 9308, 9308, 3600);
      await shows('both are there', async () => (await rowsOf(page)).length === 2);
      const [first, second] = await rowsOf(page);
      assert.match(first ?? '', new RegExp(`^7500 ?tcp nas ?${ALICE}:7000 (10m 0s|9m 5\\ds)`));
      assert.match(second ?? '', new RegExp(`^9308 ?udp playstation ?${BOB}:9308 (1h 0m|59m 5\\ds)`));
      assert.is(await page.getByRole('rowheader', { name: '7500 tcp' }).count(), 1);
      await shows(
        'both hosts',
        async () => (await textsOf(page, '#host-rows tr')).join() === `nas ${ALICE} 1 0 B,playstation ${BOB} 1 0 B`,
      );
      assert.match((await textsOf(page, '#events li'))[1] ?? '', /^[\d:]+ granted tcp 7500 to nas:7000 for 10m$/);
      assert.is(await page.title(), '2 mappings - NAT-PMP gateway');
    },
    'its time goes down by itself, and up when it is renewed': async () => {
      const left = async () =>
        /(\d+)m (\d+)s/
          .exec((await rowsOf(page))[0] ?? '')
          ?.slice(1)
          .map(Number) ?? [];
      const seconds = async () => left().then(([m = 0, s = 0]) => m * 60 + s);
      const before = await seconds();
      await shows('two seconds less', async () => (await seconds()) <= before - 2);
      await alice.map('tcp', 7000, 7500, 1200);
      await shows('renewed', async () => (await seconds()) > 1100);
    },
    'counts what it carries': async () => {
      const [inside, outside] = [await lab.bob.udp({ port: 9308 }), await lab.outside.udp()];
      assert.ok((await passes(outside, inside, EXTERNAL, 9308)) !== null);
      // 20 octets of IP, 8 of UDP, and "passing".
      await shows('35 bytes', async () => / 35 B\b/.test((await rowsOf(page))[1] ?? ''));
      inside.close();
    },
    'one that is deleted, and one that expires, are gone': async () => {
      await alice.unmap('tcp', 7000);
      await bob.map('udp', 9308, 9308, 1);
      await page.getByText('No host has a mapping now.').waitFor();
      assert.equal(
        (await textsOf(page, '#events li')).slice(0, 2).map((text) => text.split(' ')[1]),
        ['expired', 'removed'],
      );
    },
    'is to look only: no button, and nothing answers': async () => {
      await alice.map('tcp', 7000, 7500, 600);
      await shows('it is there', async () => (await rowsOf(page)).length === 1);
      assert.is(await page.getByRole('button', { name: /Revoke/ }).count(), 0);
      assert.is(
        await fetched(page, '/revoke', { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }),
        404,
      );
      assert.equal(await held(), [`tcp 7500 -> ${ALICE}:7000`]);
    },
  });

  claims('by keyboard', {
    'filters, orders, and shows those of a host': async () => {
      await bob.map('udp', 9308, 9308, 3600);
      await shows('both are there', async () => (await rowsOf(page)).length === 2);
      await page.keyboard.press('/');
      await page.keyboard.type('playst');
      await shows('one is left', async () => (await rowsOf(page)).length === 1);
      assert.is(await page.locator('#shown').innerText(), '1 of 2');
      await page.keyboard.press('Escape'); // which clears a search box
      await page.keyboard.press('Control+A');
      await page.keyboard.press('Delete');
      const order = async () => (await rowsOf(page)).map((text) => text.split(/\D/)[0]);
      await page.getByRole('columnheader', { name: 'Time left' }).getByRole('button').focus();
      await page.keyboard.press('Enter');
      assert.equal(await order(), ['7500', '9308']);
      await page.keyboard.press('Enter');
      assert.equal(await order(), ['9308', '7500']);
      assert.is(await page.getByRole('columnheader', { name: 'Time left' }).getAttribute('aria-sort'), 'descending');
      await page.getByRole('button', { name: 'nas' }).focus();
      await page.keyboard.press('Enter');
      await shows('those of nas', async () => (await order()).join() === '7500');
      await page.locator('#filter').fill('');
    },
    'revokes, after a question: the element is gone from nft, and the connection ends': async () => {
      const shown = await open(revoking.url);
      assert.is(shown.url().includes('token'), false);
      const inside = await lab.alice.listen(7000);
      const { caller } = await tcpFlow(lab.outside, EXTERNAL, 7500, inside);
      const focused = () => shown.evaluate<string>('document.activeElement.ariaLabel ?? document.activeElement.id');
      for (let pressed = 0; (await focused()) !== 'Revoke tcp 7500 of nas'; pressed++) {
        assert.ok(pressed < 30, 'the button is reached with Tab');
        await shown.keyboard.press('Tab');
      }
      await shown.keyboard.press('Enter');
      const dialog = shown.getByRole('dialog', { name: 'Revoke tcp 7500?' });
      assert.match(await dialog.innerText(), new RegExp(`nas, ${ALICE}:7000`));
      // What is safe has the focus; Escape is safe, too, and leads back.
      assert.is(await focused(), 'question-no');
      await shown.keyboard.press('Escape');
      assert.is(await focused(), 'Revoke tcp 7500 of nas');
      assert.is((await held()).length, 2);
      await shown.keyboard.press('Enter');
      await shown.keyboard.press('Tab');
      await shown.keyboard.press('Enter');
      for (const each of [shown, page]) await shows('it is gone', async () => (await rowsOf(each)).length === 1);
      assert.equal(await held(), [`udp 9308 -> ${BOB}:9308`]);
      assert.is(await focused(), 'mappings-title');
      caller.send('still there?');
      assert.is(await caller.receive(), 'ECONNRESET');
      inside.close();
      assert.is((await lab.outside.connect(EXTERNAL, 7500)).kind, 'failed');
      // Reloaded, it still has the token, in this tab alone.
      await shown.reload();
      await shows('it is live again', async () => (await stateOf(shown)) === 'live');
      assert.is(await shown.getByRole('button', { name: 'Revoke udp 9308 of playstation' }).count(), 1);
      await shown.close();
    },
  });

  claims('who may revoke', {
    'not with a wrong token: it says so, and the mapping stays': async () => {
      const shown = await open(`${revoking.url.slice(0, -1)}${revoking.url.endsWith('A') ? 'B' : 'A'}`);
      await shown.getByRole('button', { name: 'Revoke udp 9308 of playstation' }).click();
      await shown.getByRole('button', { name: 'Revoke', exact: true }).click();
      await shown.getByText('Not revoked: the token is missing or wrong').waitFor();
      assert.equal(await held(), [`udp 9308 -> ${BOB}:9308`]);
      await shown.keyboard.press('Escape');
    },
    'not without one; nor is a mapping of other hands, a static one, or none at all removed': async () => {
      const { page: shown } = tabs.at(-1) ?? { page };
      // The wrong one is not kept.
      await shown.getByText('To revoke, open the whole address').waitFor();
      assert.is(await shown.getByRole('button', { name: /Revoke/ }).count(), 0);
      await run(process.execPath, [CTL, 'add', 'tcp', '8080', `${ALICE}:80`, '--socket', server.adminSocket]);
      const token = new URL(revoking.url).hash.slice('#token='.length);
      const ask = (
        headers: Readonly<Record<string, string>>,
        protocol: string,
        externalPort: number,
        internalAddress: string,
        internalPort: number,
      ) =>
        fetched(shown, '/revoke', {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', ...headers },
          body: JSON.stringify({ protocol, externalPort, internalAddress, internalPort }),
        });
      const Authorization = `Bearer ${token}`;
      assert.equal(
        [
          await ask({}, 'udp', 9308, BOB, 9308),
          await ask({ Authorization }, 'udp', 9308, ALICE, 9308),
          await ask({ Authorization }, 'udp', 9308, BOB, 9309),
          await ask({ Authorization }, 'tcp', 8080, ALICE, 80),
          await ask({ Authorization }, 'tcp', 9308, BOB, 9308),
        ],
        [401, 409, 409, 403, 409],
      );
      assert.is((await held()).length, 2);
      await shown.close();
    },
    'the program has no more rights than who starts it': async () => {
      const {
        prefix: [program, ...words],
        project,
      } = nobodyIn(lab.folder);
      const nobody = (...args: readonly string[]) =>
        run(program, [...words, process.execPath, join(project, 'dist/cli/natpmpctl.js'), 'web', ...args]);
      for (const { status, stderr } of await Promise.all([
        nobody('--socket', server.socket),
        nobody('--socket', server.adminSocket, '--allow-revoke'),
      ])) {
        assert.is(status, 77, stderr);
        assert.match(stderr, /^natpmpctl: no permission to use /);
      }
    },
  });

  claims('from elsewhere', {
    'no address but loopback is listened on, and a LAN host reaches nothing': async () => {
      const { status, stderr } = await lab.router.run(
        process.execPath,
        CTL,
        'web',
        '--socket',
        server.socket,
        '--listen',
        '0.0.0.0:15380',
      );
      assert.is(status, 2);
      assert.match(stderr, /A loopback address and a port are needed/);
      assert.equal(await lab.alice.connect(ROUTER, web.port), { kind: 'failed', code: 'ECONNREFUSED' });
    },
    'a port that is taken is named, with 69': async () => {
      const { status, stderr } = await lab.router.run(
        process.execPath,
        CTL,
        'web',
        '--socket',
        server.socket,
        '--listen',
        `127.0.0.1:${web.port}`,
      );
      assert.equal(
        [status, stderr],
        [69, `natpmpctl: --listen 127.0.0.1:${web.port}: another program listens there: choose another port\n`],
      );
    },
  });

  claims('how it looks', {
    'light and dark: all text stands out from what is behind it': async () => {
      const shown = await open(revoking.url, { reducedMotion: 'reduce' });
      await shown.locator('#health summary').click();
      const grounds: string[] = [];
      for (const colorScheme of ['light', 'dark'] as const) {
        await shown.emulateMedia({ colorScheme });
        assert.equal(await shown.evaluate(FAINT), []);
        grounds.push(await shown.evaluate<string>('getComputedStyle(document.body).backgroundColor'));
        await shown.getByRole('button', { name: 'Revoke udp 9308 of playstation' }).click();
        assert.equal(await shown.evaluate(FAINT), []);
        await shown.keyboard.press('Escape');
      }
      assert.equal(grounds, ['rgb(244, 246, 248)', 'rgb(17, 22, 28)']);
    },
    'on a phone nothing is wider than the screen, each cell has its name, and a finger has room': async () => {
      const { page: shown } = tabs.at(-1) ?? { page };
      for (const width of [375, 320]) {
        await shown.setViewportSize({ width, height: 740 });
        assert.is(await shown.evaluate(WIDER), 0);
      }
      assert.is(
        await shown.evaluate(`getComputedStyle(document.querySelector('td[data-label="Host"]'), '::before').content`),
        '"Host"',
      );
      const { height = 0 } =
        (await shown.getByRole('button', { name: 'Revoke udp 9308 of playstation' }).boundingBox()) ?? {};
      assert.ok(height >= 40, `${height}`);
    },
    'nothing moves for who wants no motion': async () => {
      const { page: shown } = tabs.at(-1) ?? { page };
      const transition = "getComputedStyle(document.querySelector('.fill')).transitionDuration";
      assert.is(await shown.evaluate(transition), '0s');
      await shown.emulateMedia({ reducedMotion: 'no-preference' });
      assert.is(await shown.evaluate(transition), '1s');
      await shown.close();
    },
  });

  claims('when something is away', {
    'the helper: the page says so, keeps what it knew, and goes on when it is back': async () => {
      // The launcher would start it again at once.
      server.signal('SIGSTOP');
      await server.killOne('helper');
      await shows('it says so', async () => (await stateOf(page)) === 'helper away');
      await page.getByRole('alert').getByText('The helper is away').waitFor();
      assert.is((await rowsOf(page)).length, 2);
      server.signal('SIGCONT');
      await shows('it is live again', async () => (await stateOf(page)) === 'live');
      await server.answering();
      await alice.map('tcp', 7000, 7500, 600);
      await shows('a new mapping is shown', async () => (await rowsOf(page)).length === 3);
      assert.is(await page.getByRole('alert').getByText('away').count(), 0);
      const kinds = (await textsOf(page, '#events li')).map((text) => text.split(' ')[1]);
      assert.equal(kinds.slice(0, 3), ['granted', 'back', 'lost']);
    },
    'natpmpctl web itself: the same, when it is started again': async () => {
      const shown = await open(revoking.url);
      assert.is(await revoking.stop('SIGINT'), 0);
      await shows('it says so', async () => (await stateOf(shown)) === 'no connection');
      const again = await Web.start(lab, server.socket, [], `127.0.0.1:${revoking.port}`);
      await shows('it is live again', async () => (await stateOf(shown)) === 'live');
      assert.is(await again.stop(), 0);
      // What the browser says of a connection that is refused is no fault of the page.
      const { complaints } = tabs.at(-1) ?? { complaints: [] };
      assert.ok(
        complaints.every((text) => /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING/.test(text)),
        complaints.join('\n'),
      );
      await shown.close();
      tabs.pop();
    },
  });

  claims('ten thousand mappings', {
    'are fifty rows a page; it stays in hand': async () => {
      await page.close();
      const helper = await openHelper(server.adminSocket);
      const internalAddress = parseIpv4(ALICE) ?? 0;
      const ports = Array.from({ length: 10_000 }, (_, index) => 20_000 + index);
      for (let from = 0; from < ports.length; from += 500) {
        await Promise.all(
          ports
            .slice(from, from + 500)
            .map((port) => helper.add({ protocol: 'tcp', internalAddress, internalPort: port, externalPort: port })),
        );
      }
      const shown = await open(web.url);
      await shows('all are there', async () => (await shown.locator('#count').innerText()) === '10003');
      assert.is((await rowsOf(shown)).length, 50);
      await shown.evaluate(
        `window.longest = 0;
        new PerformanceObserver((list) => {
          for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
        }).observe({ type: 'longtask', buffered: true })`,
      );
      await shown.getByRole('button', { name: 'Later' }).click();
      assert.is(await shown.locator('#page-number').innerText(), 'Page 2 of 201');
      await shown.locator('#filter').fill('25432');
      await shows('the one is found', async () => (await rowsOf(shown)).length === 1);
      await helper.remove([{ protocol: 'tcp', internalAddress, internalPort: 25_432 }]);
      await shown.getByText('None has all of these words.').waitFor();
      await shown.setViewportSize({ width: 320, height: 740 });
      assert.is(await shown.evaluate(WIDER), 0);
      console.log(
        `the longest that the page was busy: ${Math.round(await shown.evaluate<number>('window.longest'))} ms`,
      );
      helper.close();
      await shown.close();
    },
  });

  claims('of all that the pages did', {
    'nothing was asked of anybody else, and the browser complained of nothing but what was refused on purpose': () => {
      assert.ok(tabs.length > 4);
      for (const { url, asked, complaints } of tabs) {
        const { origin } = new URL(url);
        assert.ok(asked.length > 5);
        for (const address of asked) assert.is(new URL(address).origin, origin);
        assert.equal(
          complaints.filter((text) => !/the server responded with a status of 40[1349] /.test(text)),
          [],
        );
      }
    },
  });
}
