// natpmpctl web and pinholes, before a real gateway, in a real browser.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DEADLINE_MS, findChromium, openBrowser, openTab } from '../lab/browser.js';
import { endsOf, tcpFlow, until } from '../lab/flows.js';
import { LAN6, onLan, openDualStackLab, ROUTER6_LOCAL } from '../lab/ipv6.js';
import { PcpClient } from '../lab/pcp.js';
import { Server } from '../lab/server.js';
import { Web } from '../lab/web.js';
import { claims, skip } from '../support/cases.js';

/** As long as an address can be. */
const PRIVACY = `${LAN6.slice(0, -1)}1234:5678:9abc:def0`;
const lab = await openDualStackLab();
const chromium = findChromium();
if (chromium === null) skip('pinholes on the status page', 'there is no chromium (Debian: chromium)');

if (lab !== null && chromium !== null) {
  const { alice, outside } = lab;
  const server = await Server.start(lab, ['--pinholes', '--rule', 'deny 192.168.99.0/24']);
  await alice.namespace.ip(`addr add ${PRIVACY}/64 dev eth0 nodad`, 'link set dev eth0 address 02:00:00:00:00:07');
  const names = join(lab.folder, 'dnsmasq.leases');
  writeFileSync(names, '1 02:00:00:00:00:07 192.168.1.77 phone *\n');
  const client = await PcpClient.open(alice, PRIVACY, onLan(ROUTER6_LOCAL));
  const web = await Web.start(lab, server.adminSocket, ['--allow-revoke', '--dhcp-leases', names]);
  const browser = await openBrowser(chromium, lab.router, lab.folder);
  const { page } = await openTab(browser, web.url, { viewport: { width: 360, height: 740 } });
  const textsOf = async (selector: string) =>
    (await page.locator(selector).allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' ').trim());
  const rows = () => textsOf('#rows tr');
  const shows = (what: string, isSo: () => Promise<boolean>) => until(what, isSo, DEADLINE_MS);

  claims('pinholes on the status page', {
    'are shown as their host asks for them, under the name of the device': async () => {
      await page.getByText('No host has a mapping now.').waitFor();
      await client.map(8080, { lifetime: 600 });
      await shows('it is there', async () => (await rows()).length === 1);
      assert.match((await rows())[0] ?? '', new RegExp(`^8080 ?tcp pinhole phone ?${PRIVACY} `));
      await page.getByText(', and 1 pinhole').waitFor();
      assert.match((await textsOf('#mappings-title'))[0] ?? '', /^Mappings and pinholes 1$/);
      assert.is(await page.title(), '0 mappings, 1 pinhole - NAT-PMP gateway');
      assert.match((await textsOf('#host-rows tr'))[0] ?? '', /^phone ?02:00:00:00:00:07 1 /);
      assert.match((await textsOf('#events li'))[0] ?? '', /granted tcp 8080 to phone:8080 for 10m$/);
    },
    'fit on a phone': async () =>
      assert.is(
        await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
        0,
      ),
    'and what rules for IPv4 addresses do not hold is a warning': async () => {
      // Folded up, it has no innerText.
      const items = await page.locator('#health-items dd').allTextContents();
      assert.ok(
        items.some((text) => /rules for IPv4 addresses \(192\.168\.99\.0\/24\) do not hold over IPv6/.test(text)),
        items.join('\n'),
      );
    },
    'of a device are found by its button': async () => {
      await page.locator('#host-rows button').click();
      assert.is(await page.locator('#filter').inputValue(), '02:00:00:00:00:07');
      assert.is((await rows()).length, 1);
    },
    'are revoked, and their connections end': async () => {
      const listening = await alice.listen(8080, '::');
      const flow = await tcpFlow(outside, PRIVACY, 8080, listening);
      await page.getByRole('button', { name: 'Revoke tcp 8080 of phone' }).click();
      const dialog = page.getByRole('dialog', { name: 'Revoke tcp 8080?' });
      assert.match(await dialog.innerText(), new RegExp(`It leads to phone, \\[${PRIVACY}\\]:8080\\.`));
      await dialog.getByRole('button', { name: 'Revoke' }).click();
      await shows('it is gone', async () => (await rows()).length === 0);
      assert.equal(await server.pinholes(), []);
      assert.equal(await endsOf(flow), { caller: 'ECONNRESET', called: 'ECONNRESET' });
      listening.close();
    },
  });
}
