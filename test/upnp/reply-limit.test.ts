import * as assert from 'uvu/assert';
import { ReplyLimit } from '../../upnp/ssdp/reply-limit.js';
import { ALICE, BOB, ip } from '../frontend/support.js';
import { claims } from '../support/cases.js';

const yes = (): boolean => true;
const no = (): boolean => false;

/** How many of so many single replies are allowed. */
function allowed(limit: ReplyLimit, count: number, host: number, isResolved: () => boolean, now: number): number {
  let taken = 0;
  for (let times = 0; times < count; times++) if (limit.take(host, 1, isResolved, now) === null) taken++;
  return taken;
}

claims('U-13 how many replies may leave', {
  'of one host: 60 at once, then 20 a second': () => {
    const limit = new ReplyLimit();
    assert.is(allowed(limit, 100, ALICE, yes, 1000), 60);
    assert.is(limit.take(ALICE, 1, yes, 1000), 'host-rate');
    assert.is(limit.take(BOB, 1, yes, 1000), null);
    assert.is(allowed(limit, 100, ALICE, yes, 2000), 20);
    assert.is(allowed(limit, 100, ALICE, yes, 10_000), 60, 'never more than 60');
  },
  'a search for all costs ten, and is answered whole or not at all': () => {
    const limit = new ReplyLimit();
    for (let times = 0; times < 6; times++) assert.is(limit.take(ALICE, 10, yes, 0), null);
    assert.is(limit.take(ALICE, 10, yes, 450), 'host-rate');
    assert.is(limit.take(ALICE, 10, yes, 500), null);
    assert.is(limit.take(ALICE, 1, yes, 500), 'host-rate', 'the refusal took nothing, and the reply all');
  },
  'of all together: 400 at once, then 400 a second': () => {
    const limit = new ReplyLimit();
    const hosts = Array.from({ length: 100 }, (_, index) => ip('192.168.1.0') + index);
    const all = (now: number): number => hosts.reduce((sum, host) => sum + allowed(limit, 10, host, yes, now), 0);
    assert.is(all(0), 400);
    assert.ok(limit.isExhausted(0));
    assert.is(limit.take(ip('192.168.2.1'), 1, yes, 0), 'total-rate');
    assert.not.ok(limit.isExhausted(2.5));
    assert.is(all(1000), 400);
  },
  'hosts that the kernel does not know leave half to the others': () => {
    const limit = new ReplyLimit();
    let forged = 0;
    for (let index = 0; index < 1000; index++) forged += allowed(limit, 1, ip('192.168.4.0') + index, no, 0);
    assert.is(forged, 200);
    assert.is(limit.take(BOB, 1, no, 0), 'total-rate');
    assert.is(limit.take(ALICE, 1, yes, 0), null);
    let known = 1;
    for (let index = 0; index < 1000; index++) known += allowed(limit, 1, ip('192.168.8.0') + index, yes, 0);
    assert.is(known, 200);
  },
  'whether a host is known is asked only when it matters': () => {
    const limit = new ReplyLimit();
    const asked = (): never => assert.unreachable() as never;
    assert.is(allowed(limit, 60, ALICE, asked, 0), 60);
    assert.is(limit.take(ALICE, 1, asked, 0), 'host-rate');
  },
});
