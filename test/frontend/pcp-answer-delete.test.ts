// How the frontend answers PCP: MAP requests with a lifetime of 0.

import { InFlight } from '../../frontend/in-flight.js';
import { EVERYONE } from '../../config/rules.js';
import { cases } from '../support/cases.js';
import { NOW } from './support.js';
import type { Row } from './pcp-support.js';
import {
  check,
  close,
  EPOCH,
  failed,
  LONG,
  no,
  NONCE,
  NONE,
  OTHER,
  pinhole,
  removal,
  SHORT,
  staticPinhole,
  TCP,
  yes,
  ZEROS,
} from './pcp-support.js';

const DELETED = `02 81 00 00 00000000 ${EPOCH} ${ZEROS} ${TCP}`;
cases<Row>(
  'PCP answer: deletions',
  [
    {
      name: '§15.1 a pinhole',
      wire: close(),
      setting: { pinholes: [pinhole()] },
      script: [[removal, { kind: 'removed', count: 1 }]],
      want: DELETED,
      counted: 'SUCCESS',
    },
    {
      name: '§15.1 one that is not there',
      wire: close(),
      script: [[removal, { kind: 'removed', count: 0 }]],
      want: DELETED,
      counted: 'SUCCESS',
    },
    {
      name: '§15.1 suggestions come back as they were',
      wire: close(`${NONCE} 06 000000 1ae1 2000 ${OTHER}`),
      script: [[removal, { kind: 'removed', count: 1 }]],
      want: `02 81 00 00 00000000 ${EPOCH} ${ZEROS} ${NONCE} 06 000000 1ae1 2000 ${OTHER}`,
      counted: 'SUCCESS',
    },
    {
      name: '§15.1 another nonce: NOT_AUTHORIZED for what is left',
      wire: close(),
      setting: { pinholes: [pinhole({ expiresAt: NOW + 1 })] },
      script: [[removal, no('nonce')]],
      want: failed('02', '00000001'),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§15.1 made by the administrator',
      wire: close(),
      setting: { pinholes: [staticPinhole] },
      script: [[removal, no('not-permitted')]],
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§15.1 of a device that may open nothing',
      wire: close(),
      setting: { policy: { rules: [{ who: EVERYONE, grant: null }] } },
      script: [[removal, { kind: 'removed', count: 1 }]],
      want: DELETED,
      counted: 'SUCCESS',
    },
    {
      name: '§15.1 all ports: there is no such mapping, and no other goes',
      wire: close(`${NONCE} 06 000000 0000 0000 ${NONE}`),
      setting: { pinholes: [pinhole()] },
      want: `02 81 00 00 00000000 ${EPOCH} ${ZEROS} ${NONCE} 06 000000 0000 0000 ${NONE}`,
      counted: 'SUCCESS',
    },
    {
      name: '§15.1 all protocols, likewise',
      wire: close(`${NONCE} 00 000000 0000 0000 ${NONE}`),
      setting: { pinholes: [pinhole()] },
      want: `02 81 00 00 00000000 ${EPOCH} ${ZEROS} ${NONCE} 00 000000 0000 0000 ${NONE}`,
      counted: 'SUCCESS',
    },
    {
      name: '§15.1 the helper away: silence',
      wire: close(),
      setting: { helperAwayMs: 0 },
      want: null,
      counted: 'helper-away',
    },
    {
      name: '§15.1 the helper away for half a minute',
      wire: close(),
      setting: { helperAwayMs: 30_000 },
      want: failed('07', SHORT),
      counted: 'NETWORK_FAILURE',
    },
    {
      name: '§15.1 asked again while a firewall is being loaded',
      wire: close(),
      script: [
        [removal, no('kernel')],
        [removal, { kind: 'removed', count: 1 }],
      ],
      want: DELETED.replace(EPOCH, '00012346'),
      counted: 'SUCCESS',
    },
    {
      name: '§15.1 a deletion has room beside new ones',
      wire: close(),
      setting: { inFlight: new InFlight({ total: 1, allocations: 0, throttled: 0, perHost: 1 }) },
      script: [[removal, { kind: 'removed', count: 1 }]],
      want: DELETED,
      counted: 'SUCCESS',
    },
    {
      name: '§7.4 an answer of the wrong kind to a deletion',
      wire: close(),
      script: [[removal, yes()]],
      want: failed('07', SHORT),
      counted: 'NETWORK_FAILURE',
    },
    {
      name: '§15.1 too many that wait: silence',
      wire: close(),
      setting: { inFlight: new InFlight({ total: 0, allocations: 9, throttled: 9, perHost: 9 }) },
      want: null,
      counted: 'shed',
    },
  ],
  check,
);
