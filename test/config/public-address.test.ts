import * as assert from 'uvu/assert';
import { parseIpv4 } from '../../proto/mapping.js';
import type { AddressKind } from '../../config/public-address.js';
import { addressKind } from '../../config/public-address.js';
import { cases } from '../support/cases.js';

/** The first and the last address of each block, and their neighbours. */
const ROWS: Readonly<Record<AddressKind, string>> = {
  public:
    '1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255 ' +
    '169.255.0.0 172.15.255.255 ' +
    '172.32.0.0 191.255.255.255 192.0.1.0 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 ' +
    '198.17.255.255 198.20.0.0 223.255.255.255 ' +
    '192.0.2.1 198.51.100.7 203.0.113.2', // for documentation, and for laboratories
  private: '10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255',
  shared: '100.64.0.0 100.127.255.255',
  reserved:
    '0.0.0.0 0.255.255.255 127.0.0.1 127.255.255.255 169.254.0.0 169.254.255.255 192.0.0.0 192.0.0.255 192.88.99.1 ' +
    '198.18.0.0 198.19.255.255 224.0.0.1 239.255.255.255 240.0.0.0 255.255.255.255',
};

cases(
  'addressKind',
  Object.entries(ROWS).flatMap(([kind, list]) => list.split(' ').map((name) => ({ name, kind }))),
  ({ name, kind }) => assert.is(addressKind(parseIpv4(name) ?? NaN), kind),
);
