// What natpmpctl web answers, and whom: judged from the heads of a request alone.

import * as assert from 'uvu/assert';
import { listenArgument } from '../../cli/natpmpctl/web.js';
import { checkRequest, parseRevoke } from '../../cli/natpmpctl/web/request.js';
import { cases } from '../support/cases.js';

const FILES = new Set(['/', '/web/page.css']);
const TOKEN = 'dG9rZW4tdG9rZW4tdG9rZW4';
const HOST = { host: '127.0.0.1:15380' };
const WITHOUT_LENGTH = { ...HOST, authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
const REVOKE = { ...WITHOUT_LENGTH, 'content-length': '99' };

interface Row {
  readonly name: string;
  readonly method?: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What it is taken for, or the status with which it is refused. */
  readonly want: string | number;
}

const judged = ({ method = 'GET', url, headers }: Row, token: string | null): string | number => {
  const verdict = checkRequest({ method, url, headers }, FILES, token);
  return verdict.kind === 'refuse' ? verdict.status : verdict.kind === 'file' ? `file ${verdict.path}` : verdict.kind;
};

cases(
  'to look at',
  [
    { name: 'the page', url: '/', headers: HOST, want: 'file /' },
    { name: 'a file of it', url: '/web/page.css', headers: HOST, want: 'file /web/page.css' },
    { name: 'HEAD', method: 'HEAD', url: '/', headers: HOST, want: 'file /' },
    { name: 'something behind the path', url: '/?utm=1', headers: HOST, want: 'file /' },
    { name: 'the events', url: '/events', headers: HOST, want: 'events' },
    { name: 'by name, through a tunnel', url: '/', headers: { host: 'localhost:8000' }, want: 'file /' },
    { name: 'without a port', url: '/', headers: { host: 'localhost' }, want: 'file /' },
    { name: 'IPv6', url: '/', headers: { host: '[::1]:15380' }, want: 'file /' },
    {
      name: 'the page by a link from elsewhere',
      url: '/',
      headers: { ...HOST, 'sec-fetch-site': 'cross-site' },
      want: 'file /',
    },
    { name: 'a bookmark', url: '/events', headers: { ...HOST, 'sec-fetch-site': 'none' }, want: 'events' },
    {
      name: 'our own page',
      url: '/events',
      headers: { ...HOST, origin: 'http://127.0.0.1:15380', 'sec-fetch-site': 'same-origin' },
      want: 'events',
    },
    { name: 'no host', url: '/', headers: {}, want: 421 },
    { name: "a name of somebody's that leads here", url: '/', headers: { host: 'evil.example:15380' }, want: 421 },
    { name: 'one that looks like ours', url: '/', headers: { host: '127.0.0.1.evil.example' }, want: 421 },
    { name: 'another', url: '/', headers: { host: 'localhost.evil.example:15380' }, want: 421 },
    { name: 'an address of the LAN', url: '/', headers: { host: '192.168.1.1:15380' }, want: 421 },
    { name: 'two hosts', url: '/', headers: { host: '127.0.0.1, evil.example' }, want: 421 },
    {
      name: 'events for a page of the Internet',
      url: '/events',
      headers: { ...HOST, 'sec-fetch-site': 'cross-site' },
      want: 403,
    },
    {
      name: 'events for another program on this machine',
      url: '/events',
      headers: { ...HOST, 'sec-fetch-site': 'same-site' },
      want: 403,
    },
    {
      name: 'events for another origin',
      url: '/events',
      headers: { ...HOST, origin: 'http://127.0.0.1:8080' },
      want: 403,
    },
    { name: 'events for a file', url: '/events', headers: { ...HOST, origin: 'null' }, want: 403 },
    {
      name: 'a script for another page',
      url: '/web/page.css',
      headers: { ...HOST, 'sec-fetch-site': 'cross-site' },
      want: 403,
    },
    { name: 'a path that does not exist', url: '/etc/passwd', headers: HOST, want: 404 },
    { name: 'out of the folder', url: '/web/../../package.json', headers: HOST, want: 404 },
    { name: 'a whole address', url: 'http://evil.example/', headers: HOST, want: 404 },
    { name: 'POST to the page', method: 'POST', url: '/', headers: HOST, want: 405 },
    { name: 'POST to the events', method: 'POST', url: '/events', headers: HOST, want: 405 },
    { name: 'OPTIONS, before a request from elsewhere', method: 'OPTIONS', url: '/', headers: HOST, want: 405 },
    { name: 'DELETE', method: 'DELETE', url: '/web/page.css', headers: HOST, want: 405 },
  ],
  (row: Row) => {
    assert.is(judged(row, null), row.want);
    assert.is(judged(row, TOKEN), row.want);
  },
);

cases(
  'to revoke',
  [
    { name: 'with the token', method: 'POST', url: '/revoke', headers: REVOKE, want: 'revoke' },
    { name: 'GET', url: '/revoke', headers: REVOKE, want: 405 },
    { name: 'no token', method: 'POST', url: '/revoke', headers: { ...REVOKE, authorization: '' }, want: 401 },
    {
      name: 'an empty one',
      method: 'POST',
      url: '/revoke',
      headers: { ...REVOKE, authorization: 'Bearer ' },
      want: 401,
    },
    {
      name: 'a wrong one',
      method: 'POST',
      url: '/revoke',
      headers: { ...REVOKE, authorization: `Bearer ${TOKEN}x` },
      want: 401,
    },
    {
      name: 'a part of it',
      method: 'POST',
      url: '/revoke',
      headers: { ...REVOKE, authorization: `Bearer ${TOKEN.slice(1)}` },
      want: 401,
    },
    {
      name: 'the token as a password',
      method: 'POST',
      url: '/revoke',
      headers: { ...REVOKE, authorization: `Basic ${TOKEN}` },
      want: 401,
    },
    {
      name: 'from another page, token or not',
      method: 'POST',
      url: '/revoke',
      headers: { ...REVOKE, origin: 'https://evil.example' },
      want: 403,
    },
    {
      name: 'what a form sends',
      method: 'POST',
      url: '/revoke',
      headers: { ...REVOKE, 'content-type': 'text/plain' },
      want: 415,
    },
    { name: 'of no length', method: 'POST', url: '/revoke', headers: WITHOUT_LENGTH, want: 411 },
    {
      name: 'of a length that is none',
      method: 'POST',
      url: '/revoke',
      headers: { ...REVOKE, 'content-length': 'x' },
      want: 411,
    },
    { name: 'too long', method: 'POST', url: '/revoke', headers: { ...REVOKE, 'content-length': '1025' }, want: 413 },
  ],
  (row: Row) => {
    assert.is(judged(row, TOKEN), row.want);
    // Where nothing may be revoked there is nothing to find out.
    assert.is(judged(row, null), row.want === 403 ? 403 : 404);
  },
);

const MAPPING = { protocol: 'tcp', externalPort: 8080, internalAddress: '192.168.1.2', internalPort: 80 };

cases(
  'the body of a revocation',
  [
    { name: 'a mapping', body: JSON.stringify(MAPPING), want: MAPPING },
    { name: 'other fields are left out', body: JSON.stringify({ ...MAPPING, all: true }), want: MAPPING },
    {
      name: 'a pinhole',
      body: JSON.stringify({ ...MAPPING, internalAddress: '2001:db8::5' }),
      want: { ...MAPPING, internalAddress: '2001:db8::5' },
    },
    {
      name: 'an IPv6 address in another form than ours',
      body: JSON.stringify({ ...MAPPING, internalAddress: '2001:DB8::5' }),
      want: null,
    },
    { name: 'no JSON', body: 'tcp 8080', want: null },
    { name: 'nothing', body: '', want: null },
    { name: 'null', body: 'null', want: null },
    { name: 'a list', body: '[]', want: null },
    { name: 'another protocol', body: JSON.stringify({ ...MAPPING, protocol: 'sctp' }), want: null },
    { name: 'port 0', body: JSON.stringify({ ...MAPPING, externalPort: 0 }), want: null },
    { name: 'a port as text', body: JSON.stringify({ ...MAPPING, internalPort: '80' }), want: null },
    { name: 'a name for an address', body: JSON.stringify({ ...MAPPING, internalAddress: 'nas' }), want: null },
  ],
  ({ body, want }) => assert.equal(parseRevoke(body), want),
);

cases(
  '--listen',
  [
    { name: '127.0.0.1:15380', want: '127.0.0.1 15380' },
    { name: '127.9.9.9:80', want: '127.9.9.9 80' },
    { name: '127.0.0.1:0', want: '127.0.0.1 0' },
    { name: '[::1]:15380', want: '::1 15380' },
    { name: '0.0.0.0:15380', want: null },
    { name: '192.168.1.1:15380', want: null },
    { name: '[::]:15380', want: null },
    { name: 'localhost:15380', want: null },
    { name: '127.0.0.1', want: null },
    { name: '15380', want: null },
    { name: '127.0.0.1:65536', want: null },
    { name: '127.0.0.1.1:80', want: null },
  ],
  ({ name, want }) => {
    if (want === null) assert.throws(() => listenArgument(name), /A loopback address and a port are needed/);
    else assert.is(Object.values(listenArgument(name)).join(' '), want);
  },
);
