// SOAP: the bodies that control points send, byte for byte, and those that nobody should.

import * as assert from 'uvu/assert';
import { answerXml, faultXml, parseCall } from '../../upnp/igd/soap.js';
import { cases, claims } from '../support/cases.js';

const TYPE = 'urn:schemas-upnp-org:service:WANIPConnection:1';
const ENVELOPE = 'http://schemas.xmlsoap.org/soap/envelope/';
const header = (action: string): string => `"${TYPE}#${action}"`;

const parse = (body: string | Uint8Array, soapAction = header('AddPortMapping')) =>
  parseCall(typeof body === 'string' ? Buffer.from(body) : body, soapAction, 'WANIPConnection');

/** What became of it, in a form that a row can hold. */
function outcome(parsed: ReturnType<typeof parse>): unknown {
  if (parsed.kind === 'http') return parsed.status;
  if (parsed.kind === 'fault') return `fault ${parsed.code}`;
  assert.is(parsed.call.service, 'WANIPConnection');
  return [parsed.call.action, ...[...parsed.call.arguments].map(([name, value]) => `${name}=${value}`)];
}

const MINIUPNPC =
  '<?xml version="1.0"?>\r\n' +
  '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">' +
  '<s:Body><u:AddPortMapping xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:1"><NewRemoteHost></NewRemoteHost>' +
  '<NewExternalPort>4000</NewExternalPort><NewProtocol>TCP</NewProtocol><NewInternalPort>4000</NewInternalPort>' +
  '<NewInternalClient>192.168.1.10</NewInternalClient><NewEnabled>1</NewEnabled>' +
  '<NewPortMappingDescription>libminiupnpc</NewPortMappingDescription><NewLeaseDuration>0</NewLeaseDuration>' +
  '</u:AddPortMapping></s:Body></s:Envelope>\r\n';
const MINIUPNPC_CALL = [
  'AddPortMapping',
  'NewRemoteHost=',
  'NewExternalPort=4000',
  'NewProtocol=TCP',
  'NewInternalPort=4000',
  'NewInternalClient=192.168.1.10',
  'NewEnabled=1',
  'NewPortMappingDescription=libminiupnpc',
  'NewLeaseDuration=0',
];

/** An envelope with this in its action. */
const adding = (inside: string): string =>
  `<s:Envelope xmlns:s="${ENVELOPE}"><s:Body><u:AddPortMapping xmlns:u="${TYPE}">${inside}</u:AddPortMapping></s:Body></s:Envelope>`;

cases<{ name: string; body: string | Uint8Array; soapAction?: string; want: unknown }>(
  'as clients send it',
  [
    { name: 'miniupnpc', body: MINIUPNPC, want: MINIUPNPC_CALL },
    {
      name: 'U-45 miniupnpc and libtorrent: a bare ampersand in the description',
      body: MINIUPNPC.replace('libminiupnpc', 'R&D & &co; &#65;&#x42; &amp;&lt; libtorrent/2.0'),
      want: MINIUPNPC_CALL.map((each) => each.replace('libminiupnpc', 'R&D & &co; AB &< libtorrent/2.0')),
    },
    {
      name: 'libtorrent: encoding, one line',
      body:
        '<?xml version="1.0"?>\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">' +
        '<s:Body><u:DeletePortMapping xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:1"><NewRemoteHost></NewRemoteHost>' +
        '<NewExternalPort>6881</NewExternalPort><NewProtocol>UDP</NewProtocol></u:DeletePortMapping></s:Body></s:Envelope>',
      soapAction: header('DeletePortMapping'),
      want: ['DeletePortMapping', 'NewRemoteHost=', 'NewExternalPort=6881', 'NewProtocol=UDP'],
    },
    {
      name: 'Syncthing: self-closing, with a blank',
      body:
        '<?xml version="1.0" ?>\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">\n' +
        '\t<s:Body><u:GetExternalIPAddress xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:1" /></s:Body>\n</s:Envelope>',
      soapAction: header('GetExternalIPAddress'),
      want: ['GetExternalIPAddress'],
    },
    {
      name: 'U-39 libplum: the header without quotes',
      body: MINIUPNPC,
      soapAction: `${TYPE}#AddPortMapping`,
      want: MINIUPNPC_CALL,
    },
    {
      name: 'U-39 the header in single quotes, with blanks',
      body: MINIUPNPC,
      soapAction: ` ' ${TYPE}#AddPortMapping ' `,
      want: MINIUPNPC_CALL,
    },
    {
      name: 'U-42 Open.NAT: indented, other prefixes, a byte order mark',
      body:
        '\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n<SOAP-ENV:Envelope\r\n    xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"\r\n' +
        '    SOAP-ENV:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">\r\n  <SOAP-ENV:Body>\r\n' +
        '    <m:GetSpecificPortMappingEntry xmlns:m="urn:schemas-upnp-org:service:WANIPConnection:1">\r\n' +
        '      <NewRemoteHost/>\r\n      <NewExternalPort>1600</NewExternalPort>\r\n      <NewProtocol>TCP</NewProtocol>\r\n' +
        '    </m:GetSpecificPortMappingEntry>\r\n  </SOAP-ENV:Body>\r\n</SOAP-ENV:Envelope>\r\n',
      soapAction: header('GetSpecificPortMappingEntry'),
      want: ['GetSpecificPortMappingEntry', 'NewRemoteHost=', 'NewExternalPort=1600', 'NewProtocol=TCP'],
    },
    {
      name: 'U-42 Windows: types as attributes',
      body:
        '<?xml version="1.0"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/" SOAP-ENV:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">' +
        '<SOAP-ENV:Body><m:GetGenericPortMappingEntry xmlns:m="urn:schemas-upnp-org:service:WANIPConnection:1">' +
        '<NewPortMappingIndex xmlns:dt="urn:schemas-microsoft-com:datatypes" dt:dt="ui2">0</NewPortMappingIndex>' +
        '</m:GetGenericPortMappingEntry></SOAP-ENV:Body></SOAP-ENV:Envelope>',
      soapAction: header('GetGenericPortMappingEntry'),
      want: ['GetGenericPortMappingEntry', 'NewPortMappingIndex=0'],
    },
    {
      name: 'U-42 the action in a default namespace, its arguments too',
      body: `<Envelope xmlns="${ENVELOPE}"><Body><AddPortMapping xmlns="${TYPE}"><NewProtocol>UDP</NewProtocol></AddPortMapping></Body></Envelope>`,
      want: ['AddPortMapping', 'NewProtocol=UDP'],
    },
    {
      name: 'U-42 with a header, comments, sections and instructions',
      body:
        `<s:Envelope xmlns:s="${ENVELOPE}"><s:Header><a xmlns="b"><c>d</c></a></s:Header><!-- & --><s:Body><?x y?>` +
        `<u:AddPortMapping xmlns:u="${TYPE}"><NewPortMappingDescription>a<!-- b --><![CDATA[<R&D>&amp;]]>&amp;c</NewPortMappingDescription>` +
        '</u:AddPortMapping></s:Body></s:Envelope>',
      want: ['AddPortMapping', 'NewPortMappingDescription=a<R&D>&amp;&c'],
    },
    {
      name: 'U-42 the beginning of a section in one',
      body: adding('<A><![CDATA[a&<![CDATA[b&]]></A>'),
      want: ['AddPortMapping', 'A=a&<![CDATA[b&'],
    },
    { name: 'U-46 in any order', body: adding('<B>2</B><A>1</A>'), want: ['AddPortMapping', 'B=2', 'A=1'] },
    {
      name: 'with NUL and blanks around it',
      body: ` \r\n${MINIUPNPC}\r\n\0`,
      want: MINIUPNPC_CALL,
    },
    {
      name: 'a description in Latin-1',
      body: Buffer.from(adding('<NewPortMappingDescription>\u00dcber</NewPortMappingDescription>'), 'latin1'),
      want: ['AddPortMapping', 'NewPortMappingDescription=\ufffdber'],
    },
    {
      name: 'a description in UTF-8',
      body: adding('<NewPortMappingDescription>転送 😀</NewPortMappingDescription>'),
      want: ['AddPortMapping', 'NewPortMappingDescription=転送 😀'],
    },
    {
      name: 'U-63 a description of 1,000 characters',
      body: adding(`<NewPortMappingDescription>${'転送'.repeat(500)}</NewPortMappingDescription>`),
      want: ['AddPortMapping', `NewPortMappingDescription=${'転送'.repeat(500)}`],
    },
    {
      name: 'U-63 a description that is as long as a body may be, in pieces',
      body: adding(
        `<NewPortMappingDescription>${'<![CDATA[0123456789]]><!-- -->'.repeat(260)}</NewPortMappingDescription>`,
      ),
      want: ['AddPortMapping', `NewPortMappingDescription=${'0123456789'.repeat(260)}`],
    },
    {
      name: 'U-49 an action that nobody knows is a call all the same',
      body: `<s:Envelope xmlns:s="${ENVELOPE}"><s:Body><u:QueryStateVariable xmlns:u="${TYPE}"><varName>a</varName></u:QueryStateVariable></s:Body></s:Envelope>`,
      soapAction: header('QueryStateVariable'),
      want: ['QueryStateVariable', 'varName=a'],
    },
  ],
  ({ body, soapAction, want }) => assert.equal(outcome(parse(body, soapAction)), want),
);

const OTHER = 'urn:schemas-upnp-org:service:WANIPConnection:2';
cases<{ name: string; body: string; soapAction?: string }>(
  'header, body and URL disagree: 401',
  [
    { name: 'U-40 another service in the header', body: MINIUPNPC, soapAction: `"${OTHER}#AddPortMapping"` },
    { name: 'U-40 another service in the body', body: MINIUPNPC.replace(TYPE, OTHER) },
    {
      name: 'U-40 another service in both',
      body: MINIUPNPC.replace(TYPE, OTHER),
      soapAction: `"${OTHER}#AddPortMapping"`,
    },
    { name: 'U-41 another action in the header', body: MINIUPNPC, soapAction: header('GetExternalIPAddress') },
    { name: 'U-41 another case', body: MINIUPNPC, soapAction: header('addportmapping') },
    { name: 'no action in the header', body: MINIUPNPC, soapAction: `"${TYPE}"` },
    { name: 'an empty header', body: MINIUPNPC, soapAction: '""' },
    { name: 'a header that is one quote', body: MINIUPNPC, soapAction: '"' },
    { name: 'quotes that do not match', body: MINIUPNPC, soapAction: `"${TYPE}#AddPortMapping'` },
    { name: 'two actions in the header', body: MINIUPNPC, soapAction: `${header('AddPortMapping')},${header('A')}` },
    { name: 'no namespace', body: adding('').replace(`xmlns:u="${TYPE}"`, 'xmlns:u="a"') },
  ],
  ({ body, soapAction }) => assert.is(outcome(parse(body, soapAction)), 'fault 401'),
);

cases(
  'U-46 an argument twice: 402',
  [
    { name: 'at once', body: adding('<A>1</A><A>1</A>') },
    { name: 'with others between', body: adding('<A>1</A><B/><A>2</A>') },
    { name: 'in another namespace', body: adding('<A>1</A><u:A>2</u:A>') },
  ],
  ({ body }) => assert.is(outcome(parse(body)), 'fault 402'),
);

const nested = (depth: number): string => '<a>'.repeat(depth) + '</a>'.repeat(depth);
cases<{ name: string; body: string | Uint8Array }>(
  'malformed, or above a limit: HTTP 400',
  [
    { name: 'nothing', body: '' },
    { name: 'no XML', body: 'NewExternalPort=80' },
    { name: 'cut', body: MINIUPNPC.slice(0, -20) },
    { name: 'two envelopes', body: MINIUPNPC + MINIUPNPC },
    { name: 'two actions', body: adding('').replace('</s:Body>', `<u:B xmlns:u="${TYPE}"/></s:Body>`) },
    {
      name: 'two bodies',
      body: adding('').replace('</s:Envelope>', `<s:Body><u:B xmlns:u="${TYPE}"/></s:Body></s:Envelope>`),
    },
    { name: 'no action', body: `<s:Envelope xmlns:s="${ENVELOPE}"><s:Body/></s:Envelope>` },
    { name: 'the action in the header alone', body: adding('').replaceAll('s:Body', 's:Header') },
    { name: 'no envelope', body: `<u:AddPortMapping xmlns:u="${TYPE}"/>` },
    { name: 'SOAP 1.2', body: MINIUPNPC.replaceAll(ENVELOPE, 'http://www.w3.org/2003/05/soap-envelope') },
    { name: 'a prefix without a namespace', body: MINIUPNPC.replace(`xmlns:u="${TYPE}"`, '') },
    { name: 'another element beside the body', body: adding('').replace('<s:Body>', '<s:X/><s:Body>') },
    { name: 'U-45 a tag in the description', body: MINIUPNPC.replace('libminiupnpc', 'R&D <x>') },
    { name: 'an element in an argument', body: adding('<A><B>1</B></A>') },
    { name: 'an attribute twice', body: adding('<A b="1" b="2"/>') },
    { name: 'a control character', body: adding('<A>\u0001</A>') },
    { name: 'a control character by number', body: adding('<A>&#1;</A>') },
    { name: 'a character beyond Unicode', body: adding('<A>&#x110000;</A>') },
    { name: 'UTF-16', body: Buffer.from(`\ufeff${MINIUPNPC}`, 'utf16le') },
    { name: 'U-43 a DOCTYPE', body: `<!DOCTYPE a>${adding('')}` },
    {
      name: 'U-43 entities',
      body: `<!DOCTYPE a [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>${adding('<A>&b;</A>')}`,
    },
    { name: 'U-43 an external entity', body: `<!DOCTYPE a SYSTEM "file:///etc/passwd">${adding('')}` },
    { name: 'U-43 a DOCTYPE that does not end', body: `<!DOCTYPE a [${'<!ENTITY a "b">'.repeat(400)}` },
    { name: 'U-44 depth', body: adding('').replace('<s:Body>', `<s:Header>${nested(7)}</s:Header><s:Body>`) },
    { name: 'U-44 elements', body: adding(Array.from({ length: 38 }, (_, i) => `<A${i}/>`).join('')) },
    { name: 'U-44 attributes', body: adding(`<A ${Array.from({ length: 9 }, (_, i) => `b${i}=""`).join(' ')}/>`) },
    { name: 'U-44 text', body: adding(`<A>${'x'.repeat(257)}</A>`) },
    { name: 'U-44 a client', body: adding(`<NewInternalClient>${'x'.repeat(257)}</NewInternalClient>`) },
    {
      name: 'U-44 text after a description',
      body: adding(
        `<NewPortMappingDescription>${'x'.repeat(300)}</NewPortMappingDescription><A>${'x'.repeat(257)}</A>`,
      ),
    },
    {
      name: 'U-44 ampersands',
      body: adding(Array.from({ length: 3 }, (_, i) => `<A${i}>${'&'.repeat(90)}</A${i}>`).join('')),
    },
    { name: 'U-44 text in pieces', body: adding(`<A>${'<![CDATA[0123456789]]><!-- -->'.repeat(26)}</A>`) },
  ],
  ({ body }) => assert.is(outcome(parse(body)), 400),
);

cases(
  'U-44 just within a limit',
  [
    { name: 'depth', body: adding('').replace('<s:Body>', `<s:Header>${nested(6)}</s:Header><s:Body>`) },
    { name: 'elements', body: adding(Array.from({ length: 37 }, (_, i) => `<A${i}/>`).join('')) },
    { name: 'attributes', body: adding(`<A ${Array.from({ length: 8 }, (_, i) => `b${i}=""`).join(' ')}/>`) },
    { name: 'text', body: adding(`<A>${'x'.repeat(256)}</A>`) },
    { name: 'ampersands', body: adding(`<A>${'&'.repeat(256)}</A>`) },
  ],
  ({ body }) => assert.is(parse(body).kind, 'call'),
);

/** 8 KiB of one piece, between what comes before and after it. */
const filled = (piece: string, before = '', after = ''): string =>
  (before + piece.repeat(8192 / piece.length)).slice(0, 8192 - after.length) + after;
cases(
  'U-44 8 KiB of anything take little time',
  [
    { name: 'open tags', body: filled('<a>') },
    { name: 'open tags with a namespace', body: filled('<a xmlns="b">') },
    { name: 'attributes', body: filled(' a=""', '<a') },
    { name: 'other attributes', body: `<a ${Array.from({ length: 900 }, (_, i) => `a${i}=""`).join(' ')}/>` },
    { name: 'elements', body: filled('<a/>', `<s:Envelope xmlns:s="${ENVELOPE}"><s:Body>`) },
    { name: 'a name', body: filled('a', '<') },
    { name: 'text', body: filled('a', '<s:Envelope>') },
    { name: 'an attribute value', body: filled('a', '<a b="') },
    { name: 'ampersands', body: filled('&') },
    { name: 'ampersands in an attribute', body: filled('&', `<s:Envelope xmlns:s="${ENVELOPE}" a="`) },
    { name: 'ampersands in a text', body: filled('&', `<s:Envelope xmlns:s="${ENVELOPE}">`) },
    { name: 'references', body: filled('&#65;', `<s:Envelope xmlns:s="${ENVELOPE}">`) },
    { name: 'references that do not end', body: filled('&#', `<s:Envelope xmlns:s="${ENVELOPE}">`) },
    { name: 'a long reference', body: filled('1', '<a>&#') },
    { name: 'open sections', body: filled('<![CDATA[', '<a>') },
    { name: 'sections', body: filled('<![CDATA[]]>', '<a>') },
    { name: 'ends of sections', body: filled(']]>', '<a>') },
    { name: 'brackets', body: filled(']', '<a>') },
    { name: 'comments', body: filled('<!---->') },
    { name: 'a comment', body: filled('-', '<!--') },
    { name: 'instructions', body: filled('<?a?>') },
    { name: 'question marks', body: filled('?', '<?') },
    { name: 'a DOCTYPE', body: filled('[', '<!DOCTYPE a ') },
    { name: 'quotes in a DOCTYPE', body: filled('""', '<!DOCTYPE a ') },
    { name: 'entities in a DOCTYPE', body: filled('<!ENTITY a "b">', '<!DOCTYPE a [') },
    { name: 'exclamation marks', body: filled('!', '<') },
    { name: 'blanks', body: filled(' ') },
    { name: 'blanks before the end', body: filled(' ', '', 'x') },
    { name: 'NULs', body: filled('\0') },
    { name: 'line ends', body: filled('\r\n', '<a>') },
    { name: 'halves of pairs', body: filled('\ud800', '<a>') },
  ],
  ({ body }) => {
    const octets = Buffer.from(body).subarray(0, 8192);
    let shortestUs = Infinity;
    for (let count = 0; count < 4; count++) {
      const start = process.cpuUsage();
      assert.is(parse(octets).kind, 'http');
      shortestUs = Math.min(shortestUs, process.cpuUsage(start).user);
    }
    assert.ok(shortestUs < 40_000, `${shortestUs} us`);
  },
);

claims('answers', {
  'U-38 the values of an action': () => {
    assert.is(
      answerXml('WANIPConnection', 'GetExternalIPAddress', [['NewExternalIPAddress', '44.0.0.2']]),
      '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
        's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
        '<u:GetExternalIPAddressResponse xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:1">' +
        '<NewExternalIPAddress>44.0.0.2</NewExternalIPAddress></u:GetExternalIPAddressResponse></s:Body></s:Envelope>\r\n',
    );
  },
  'U-48 a description goes out as text': () => {
    const xml = answerXml('WANIPConnection', 'GetGenericPortMappingEntry', [
      ['NewPortMappingDescription', '</x>R&D<script>\u0000\u001b'],
    ]);
    assert.match(xml, '<NewPortMappingDescription>&lt;/x&gt;R&amp;D&lt;script&gt;</NewPortMappingDescription>');
  },
  'U-38 an error': () => {
    assert.is(
      faultXml(718),
      '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
        's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><s:Fault><faultcode>s:Client</faultcode>' +
        '<faultstring>UPnPError</faultstring><detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0">' +
        '<errorCode>718</errorCode><errorDescription>ConflictInMappingEntry</errorDescription></UPnPError></detail>' +
        '</s:Fault></s:Body></s:Envelope>\r\n',
    );
  },
});

cases(
  'U-49 the text of an error',
  [
    { name: '401', text: 'Invalid Action' },
    { name: '402', text: 'Invalid Args' },
    { name: '501', text: 'Action Failed' },
    { name: '602', text: 'Optional Action Not Implemented' },
    { name: '606', text: 'Action not authorized' },
    { name: '714', text: 'NoSuchEntryInArray' },
  ],
  ({ name, text }) =>
    assert.match(faultXml(Number(name)), `<errorCode>${name}</errorCode><errorDescription>${text}</errorDescription>`),
);
