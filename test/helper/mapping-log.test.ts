import * as assert from 'uvu/assert';
import type { Event } from '../../proto/codec.js';
import { MappingLog, MOST_LINES } from '../../helper/mapping-log.js';
import { claims } from '../support/cases.js';
import { pinhole } from './leases.js';

const lease = (externalPort: number) =>
  ({
    protocol: 'tcp',
    internalAddress: 0xc0a80102,
    internalPort: 80,
    externalPort,
    origin: 'dynamic',
    lifetime: 600,
    expiresAt: 1,
  }) as const;
const event = (kind: 'granted' | 'renewed' | 'removed' | 'expired', port = 8080): Event => ({
  kind,
  lease: lease(port),
});

function logged(isDebug = false) {
  const lines: { level: string; fields: object; message: string }[] = [];
  const say = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields, message });
  };
  return {
    lines,
    log: new MappingLog({
      info: say('info'),
      debug: say('debug'),
      isLevelEnabled: (level) => level === 'info' || isDebug,
    }),
  };
}

claims('lines about mappings', {
  'of pinholes, with the address as it is written, and without the nonce': () => {
    const { lines, log } = logged();
    log.write(
      [
        { kind: 'granted', pinhole: pinhole() },
        { kind: 'renewed', pinhole: pinhole() },
        { kind: 'expired', pinhole: pinhole() },
      ],
      0,
    );
    const fields = { protocol: 'tcp', address: '2001:db8::2', port: 8080, origin: 'dynamic', lifetime: 7200 };
    assert.equal(lines, [
      { level: 'info', fields, message: 'granted' },
      { level: 'info', fields, message: 'expired' },
    ]);
  },
  'one for each that comes or goes, none for a renewal and for what is no mapping': () => {
    const { lines, log } = logged();
    log.write(
      [
        event('granted'),
        event('renewed'),
        event('removed'),
        event('expired'),
        { kind: 'resynchronised' },
        { kind: 'probe' },
      ],
      0,
    );
    assert.equal(
      lines.map(({ level, message }) => `${level} ${message}`),
      ['info granted', 'info removed', 'info expired'],
    );
    assert.equal(lines[0]?.fields, {
      protocol: 'tcp',
      externalPort: 8080,
      internalAddress: '192.168.1.2',
      internalPort: 80,
      origin: 'dynamic',
      lifetime: 600,
    });
  },
  'however much happens, eight in ten seconds, and then how many they were not': () => {
    const { lines, log } = logged();
    for (let port = 1; port <= 50_000; port++) log.write([event('granted', port), event('expired', port)], port / 10);
    assert.is(lines.length, MOST_LINES);
    log.write([], 9_999);
    assert.is(lines.length, MOST_LINES);
    log.write([], 10_001);
    assert.equal(lines.at(-1), {
      level: 'info',
      fields: { events: 99_992 },
      message: 'mappings that were not listed',
    });
    log.write([event('granted')], 10_002);
    assert.is(lines.at(-1)?.message, 'granted');
    log.write([], 1_000_000);
    assert.is(lines.length, MOST_LINES + 2, 'nothing was left out: nothing is said');
  },
  'with debug all of them': () => {
    const { lines, log } = logged(true);
    for (let port = 1; port <= 100; port++) log.write([event('granted', port)], 0);
    log.write([event('renewed')], 0);
    assert.equal(
      [lines.filter(({ level }) => level === 'info').length, lines.filter(({ level }) => level === 'debug').length],
      [8, 93],
    );
  },
});
