import * as assert from 'uvu/assert';
import { encodeAlive, encodeByebye, encodeReply } from '../../upnp/ssdp/messages.js';
import { ip } from '../frontend/support.js';
import { cases } from '../support/cases.js';

const CONFIG = {
  httpPort: 2869,
  descriptionPath: '/igd.xml',
  serverHeader: 'Linux UPnP/1.1 natpmp-server/1.2.3',
  bootId: 1_800_000_000,
  configId: 0xabcdef,
};
const RESOURCE = { type: 'upnp:rootdevice', usn: 'uuid:11111111-aaaa-5111-8111-111111111111::upnp:rootdevice' };
const OWN = ip('192.168.1.1');

cases<{ name: string; bytes: Uint8Array; lines: readonly string[] }>(
  'literal bytes',
  [
    {
      name: 'U-11 U-19 a reply: where the description is, by a literal address',
      bytes: encodeReply(RESOURCE, OWN, CONFIG),
      lines: [
        'HTTP/1.1 200 OK',
        'CACHE-CONTROL: max-age=1800',
        'EXT:',
        'LOCATION: http://192.168.1.1:2869/igd.xml',
        'SERVER: Linux UPnP/1.1 natpmp-server/1.2.3',
        'ST: upnp:rootdevice',
        'USN: uuid:11111111-aaaa-5111-8111-111111111111::upnp:rootdevice',
        'BOOTID.UPNP.ORG: 1800000000',
        'CONFIGID.UPNP.ORG: 11259375',
        '',
        '',
      ],
    },
    {
      name: 'U-16 U-17 U-19 ssdp:alive',
      bytes: encodeAlive(RESOURCE, OWN, CONFIG),
      lines: [
        'NOTIFY * HTTP/1.1',
        'HOST: 239.255.255.250:1900',
        'CACHE-CONTROL: max-age=1800',
        'LOCATION: http://192.168.1.1:2869/igd.xml',
        'NT: upnp:rootdevice',
        'NTS: ssdp:alive',
        'SERVER: Linux UPnP/1.1 natpmp-server/1.2.3',
        'USN: uuid:11111111-aaaa-5111-8111-111111111111::upnp:rootdevice',
        'BOOTID.UPNP.ORG: 1800000000',
        'CONFIGID.UPNP.ORG: 11259375',
        '',
        '',
      ],
    },
    {
      name: 'U-18 ssdp:byebye; U-19 an ID that does not fit in 31 bits',
      bytes: encodeByebye(RESOURCE, { ...CONFIG, bootId: 2 ** 31 + 5 }),
      lines: [
        'NOTIFY * HTTP/1.1',
        'HOST: 239.255.255.250:1900',
        'NT: upnp:rootdevice',
        'NTS: ssdp:byebye',
        'USN: uuid:11111111-aaaa-5111-8111-111111111111::upnp:rootdevice',
        'BOOTID.UPNP.ORG: 5',
        'CONFIGID.UPNP.ORG: 11259375',
        '',
        '',
      ],
    },
  ],
  ({ bytes, lines }) => assert.is(Buffer.from(bytes).toString('latin1'), lines.join('\r\n')),
);
