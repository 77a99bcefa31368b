// A page in the browser of a LAN host tries to have a port of that host opened by UPnP, in every way that a browser lets
// it, from an origin of its own and under a name that leads to the router (DNS rebinding).

import * as assert from 'uvu/assert';
import { act, CONTROL, envelope, mapping, post, WANIP } from '../lab/control-point.js';
import { findChromium, openBrowser } from '../lab/browser.js';
import { until } from '../lab/flows.js';
import { ALICE, openLab, ROUTER } from '../lab/lab.js';
import { Server } from '../lab/server.js';
import { http, HTTP_PORT } from '../lab/upnp.js';
import { cases, skip } from '../support/cases.js';

const METRICS = '127.0.0.1:9552';
/** Requests that were refused for who asks, for what is missing in the header, or for their method. */
const REFUSED = /^natpmp_upnp_http_total\{event="(?:forbidden|bad_request|bad_method)"\} (\d+)$/gm;

const chromium = findChromium();
if (chromium === null) skip('pages in a browser, and UPnP', 'chromium is not installed: sh scripts/setup.sh test');
const lab = chromium === null ? null : await openLab();

/** What a page is given to try with. */
interface Means {
  readonly control: string;
  readonly action: string;
  readonly body: string;
  /** A whole request. */
  readonly request: string;
}

if (lab !== null && chromium !== null) {
  const { alice, router } = lab;
  const server = await Server.start(lab, ['--upnp', '--upnp-metrics-listen', METRICS]);
  await until('natpmp-upnp is ready', async () => server.log.includes('"upnpPort"'));
  const browser = await openBrowser(chromium, alice, lab.folder, [
    `--host-resolver-rules=MAP rebound.example ${ROUTER}, MAP page.example 192.168.1.3`,
    // It is the gateway that is to refuse.
    '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights',
  ]);
  const wish = mapping('TCP', 4000, ALICE, 4000, 600);
  const body = envelope('AddPortMapping', wish);
  const meansAt = (authority: string): Means => ({
    control: `http://${authority}${CONTROL}`,
    action: `"${WANIP}#AddPortMapping"`,
    body,
    request: post('AddPortMapping', body),
  });

  const refused = async (): Promise<number> => {
    const { body: text } = await http(router, '127.0.0.1', `GET /metrics HTTP/1.1\r\nHost: ${METRICS}\r\n\r\n`, 9552);
    return [...text.matchAll(REFUSED)].reduce((sum, [, count]) => sum + Number(count), 0);
  };

  /** Functions for the page; each resolves with what it has seen. */
  const ATTEMPTS: Readonly<Record<string, string>> = {
    'a simple request': `async ({ control, body }) => {
      const answer = await fetch(control, { method: 'POST', mode: 'no-cors', body });
      return answer.type + ' ' + answer.status;
    }`,
    'a request with SOAPAction': `async ({ control, body, action }) => {
      const headers = { SOAPAction: action, 'Content-Type': 'text/xml' };
      const answer = await fetch(control, { method: 'POST', headers, body });
      return answer.type + ' ' + answer.status;
    }`,
    'a beacon': `async ({ control, body }) => String(navigator.sendBeacon(control, body))`,
    'a form whose text is a request': `async ({ control, request }) => {
      const [frame, form, field] = ['iframe', 'form', 'textarea'].map((name) => document.createElement(name));
      Object.assign(frame, { name: 'out' });
      Object.assign(form, { action: control, method: 'POST', enctype: 'text/plain', target: 'out' });
      Object.assign(field, { name: 'x', value: '\\r\\n\\r\\n' + request });
      form.append(field);
      document.body.append(frame, form);
      const done = new Promise((resolve) => frame.addEventListener('load', resolve));
      form.submit();
      await done;
      return 'loaded';
    }`,
    'a body behind which another request follows': `async ({ control, request }) => {
      const body = new Blob(['x'.repeat(100) + '\\r\\n\\r\\n', request, request]);
      const answer = await fetch(control, { method: 'POST', mode: 'no-cors', body });
      return answer.type + ' ' + answer.status;
    }`,
    'a WebSocket': `({ control }) => new Promise((resolve) => {
      const socket = new WebSocket(control.replace('http:', 'ws:'));
      socket.onerror = () => resolve('error');
      socket.onopen = () => resolve('open');
    })`,
  };

  const FROM_OUTSIDE: Readonly<Record<string, string>> = {
    'a simple request': 'opaque 0',
    'a request with SOAPAction': 'failed: page.evaluate: TypeError: Failed to fetch',
    'a beacon': 'true',
    'a form whose text is a request': 'loaded',
    'a body behind which another request follows': 'opaque 0',
    'a WebSocket': 'error',
  };
  const UNDER_ITS_NAME: typeof FROM_OUTSIDE = {
    ...FROM_OUTSIDE,
    'a simple request': 'basic 403',
    'a request with SOAPAction': 'basic 403',
    'a body behind which another request follows': 'basic 403',
  };

  interface Row {
    readonly name: string;
    readonly attempt: string;
    readonly page: string;
    readonly authority: string;
    /** What the page learns. */
    readonly sees: string;
  }
  const rows: Row[] = Object.keys(ATTEMPTS).flatMap((attempt) => [
    {
      name: `${attempt}, from a page of its own origin`,
      attempt,
      page: 'http://page.example/',
      authority: `${ROUTER}:${HTTP_PORT}`,
      sees: FROM_OUTSIDE[attempt] ?? '',
    },
    {
      name: `${attempt}, under a name that leads to the router`,
      attempt,
      page: `http://rebound.example:${HTTP_PORT}/`,
      authority: `rebound.example:${HTTP_PORT}`,
      sees: UNDER_ITS_NAME[attempt] ?? '',
    },
  ]);

  cases('a page opens no port of the host that shows it', rows, async ({ attempt, page: url, authority, sees }) => {
    const before = await refused();
    const context = await browser.newContext();
    const page = await context.newPage();
    // The first answer is the attacker's: as if the name had led to him by then.
    await page.route(url, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><body>' }));
    await page.goto(url);
    const seen = await page
      .evaluate<string>(`(${ATTEMPTS[attempt]})(${JSON.stringify(meansAt(authority))})`)
      .catch((error: unknown) => `failed: ${(error as Error).message.split('\n')[0]}`);
    assert.is(seen, sees);
    await until('it was refused', async () => (await refused()) > before);
    await context.close();
    assert.equal(await server.mappings(), []);
  });

  cases('the same bytes from a program', [{ name: 'open the port' }], async () => {
    assert.equal(await act(alice, 'AddPortMapping', wish), {});
    assert.equal(await server.mappings(), [`tcp 4000 -> ${ALICE}:4000`]);
  });
}
