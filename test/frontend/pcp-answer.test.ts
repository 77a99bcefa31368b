// How the frontend answers PCP: announcements, and what is refused without the helper.

import type { Ipv6 } from '../../proto/mapping.js';
import { cases } from '../support/cases.js';
import { NOW } from './support.js';
import type { Row } from './pcp-support.js';
import {
  addition,
  BR_LAN,
  check,
  close,
  EPOCH,
  failed,
  granted,
  HOST,
  LONG,
  open,
  OTHER,
  SHORT,
  TCP,
  yes,
  ZEROS,
} from './pcp-support.js';

const LINK_LOCAL: Ipv6 = 'fe800000000000000000000000000a0a';

cases<Row>(
  'PCP answer: ANNOUNCE, and errors that need no helper',
  [
    {
      name: '§14.1.2 ANNOUNCE',
      wire: `02 00 0000 00001c20 ${HOST}`,
      want: `02 80 00 00 00000000 ${EPOCH} ${ZEROS}`,
      counted: 'SUCCESS',
    },
    {
      name: '§14.1.2 ANNOUNCE from a link-local address',
      wire: `02 00 0000 00000000 ${LINK_LOCAL}`,
      source: LINK_LOCAL,
      want: `02 80 00 00 00000000 ${EPOCH} ${ZEROS}`,
      counted: 'SUCCESS',
    },
    {
      name: '§14.1.2 ANNOUNCE, the helper away for an hour',
      wire: `02 00 0000 00000000 ${HOST}`,
      setting: { helperAwayMs: 3_600_000 },
      want: `02 80 00 00 00000000 ${EPOCH} ${ZEROS}`,
      counted: 'SUCCESS',
    },
    {
      name: '§8.5 the epoch is never 0',
      wire: `02 00 0000 00000000 ${HOST}`,
      setting: { epochStartMs: NOW },
      want: `02 80 00 00 00000000 00000001 ${ZEROS}`,
      counted: 'SUCCESS',
    },
    {
      name: '§8.5 ANNOUNCE, the epoch is not known: silence',
      wire: `02 00 0000 00000000 ${HOST}`,
      setting: { epochStartMs: null, helperAwayMs: 29_999 },
      want: null,
      counted: 'no-epoch',
    },
    {
      name: '§7.4 ANNOUNCE, no helper for half a minute: NETWORK_FAILURE',
      wire: `02 00 0000 00000000 ${HOST}`,
      setting: { epochStartMs: null, helperAwayMs: 30_000, startedAtMs: NOW - 30_000 },
      want: `02 80 00 07 ${SHORT} 0000001e ${ZEROS}`,
      counted: 'NETWORK_FAILURE',
    },
    { name: '§A NAT-PMP', wire: '00 00', want: `02 80 00 01 ${LONG} ${EPOCH} ${ZEROS}`, counted: 'UNSUPP_VERSION' },
    {
      name: '§A NAT-PMP, just started: silence',
      wire: '00 00',
      setting: { epochStartMs: null, startedAtMs: NOW - 2999 },
      want: null,
      counted: 'no-epoch',
    },
    { name: '§8.2 a response', wire: `02 81 ${'00'.repeat(58)}`, want: null, counted: 'response' },
    { name: '§8.2 too short', wire: '02 01', want: null, counted: 'runt' },
    {
      name: '§18.1 no host of this LAN',
      wire: open(),
      setting: { isHost: () => false },
      want: null,
      counted: 'off-lan',
    },
    {
      name: '§18.1 nor an error for it',
      wire: '00 00',
      setting: { isHost: () => false },
      want: null,
      counted: 'off-lan',
    },
    {
      name: '§18.1 the LAN is that of the socket',
      wire: '00 00',
      setting: { isHost: (index, host) => index !== BR_LAN || host !== HOST },
      want: null,
      counted: 'off-lan',
    },
    { name: '§8.2 another address', wire: open('', OTHER), want: failed('0c', LONG), counted: 'ADDRESS_MISMATCH' },
    {
      name: '§12.1 PEER',
      wire: `02 02 0000 00001c20 ${HOST} ${TCP} 0050 0000 ${OTHER}`,
      want: `02 82 00 04 ${LONG} ${EPOCH} ${HOST.slice(8)} ${TCP} 0050 0000 ${OTHER}`,
      counted: 'UNSUPP_OPCODE',
    },
    {
      name: '§13.3 FILTER is refused, not ignored',
      wire: `${open()} 03 00 0014 00 80 0050 ${OTHER}`,
      want: `02 81 00 05 ${LONG} ${EPOCH} ${HOST.slice(8)} ${TCP} 03 00 0014 00 80 0050 ${OTHER}`,
      counted: 'UNSUPP_OPTION',
    },
    {
      name: '§8.2 malformed, 1,101 bytes: cut to 1,100',
      wire: `${open()} ${'01'.repeat(1041)}`,
      want: `02 81 00 03 ${LONG} ${EPOCH} ${HOST.slice(8)} ${TCP} ${'01'.repeat(1040)}`,
      counted: 'MALFORMED_REQUEST',
    },
    {
      name: '§11.1 MAP from a link-local address',
      wire: open('', LINK_LOCAL),
      source: LINK_LOCAL,
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§11.1 MAP from a unique local address',
      wire: open('', 'fd0000000000000000000000000000aa'),
      source: 'fd0000000000000000000000000000aa',
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§11.1 MAP from an IPv4-mapped address',
      wire: open('', '00000000000000000000ffffc0a8010a'),
      source: '00000000000000000000ffffc0a8010a',
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§11.1 the last global unicast address',
      wire: open('', '3fffffffffffffffffffffffffffffff'),
      source: '3fffffffffffffffffffffffffffffff',
      script: [[addition({ address: '3fffffffffffffffffffffffffffffff' }), yes()]],
      want: granted().replace(HOST, '3fffffffffffffffffffffffffffffff'),
      counted: 'SUCCESS',
    },
    {
      name: '§15.1 a deletion from a link-local address',
      wire: close('', LINK_LOCAL),
      source: LINK_LOCAL,
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
  ],
  check,
);
