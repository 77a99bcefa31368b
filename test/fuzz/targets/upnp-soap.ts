// The body of a request to a control URL, and text of others in an answer.

import * as fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { SERVICES } from '../../../upnp/igd/services.js';
import { answerXml, parseCall } from '../../../upnp/igd/soap.js';
import { escapeXml } from '../../../upnp/igd/values.js';
import { raw } from '../arbitraries.js';
import type { Target } from '../target.js';
import { must } from '../target.js';

const SERVICE = 'WANIPConnection';
const { type } = SERVICES[SERVICE];
const HEADER = `"${type}#AddPortMapping"`;
const ENVELOPE = 'http://schemas.xmlsoap.org/soap/envelope/';
const LONG = 'NewPortMappingDescription';

const adding = (inside: string): string =>
  `<s:Envelope xmlns:s="${ENVELOPE}"><s:Body><u:AddPortMapping xmlns:u="${type}">${inside}</u:AddPortMapping></s:Body></s:Envelope>`;

const WORDS = [
  adding(''),
  '<?xml version="1.0"?>',
  `<s:Envelope xmlns:s="${ENVELOPE}">`,
  '<s:Body>',
  `<u:AddPortMapping xmlns:u="${type}">`,
  '</u:AddPortMapping>',
  '</s:Body>',
  '</s:Envelope>',
  '<s:Header/>',
  '<NewExternalPort>',
  '</NewExternalPort>',
  '<NewRemoteHost/>',
  '<!DOCTYPE a>',
  '<!ENTITY b "c">',
  '<!--',
  '-->',
  '<![CDATA[',
  ']]>',
  '<?a b?>',
  '&',
  '&amp;',
  '&#x41;',
  '&b;',
  ' a="b"',
  ' xmlns="c"',
  '6881',
];
const inside = fc.array(fc.constantFrom(...WORDS.slice(9), '<B>', '</B>', 'R&D'), { maxLength: 8 });

const bytes = (text: string): Uint8Array => Buffer.from(text);
const isCall = (body: Uint8Array): boolean => parseCall(body, HEADER, SERVICE).kind === 'call';

export const upnpSoap: Target = {
  name: 'upnp-soap',
  inputs: fc.oneof(
    inside.map((words) => bytes(adding(words.join('')))),
    fc.array(fc.constantFrom(...WORDS), { maxLength: 14 }).map((words) => bytes(words.join(''))),
    fc.string({ maxLength: 80, unit: 'binary' }).map((text) => bytes(adding(`<A>${escapeXml(text)}</A>`))),
    fc
      .tuple(fc.string({ maxLength: 9, unit: 'binary' }), fc.nat(300), fc.constantFrom(LONG, 'A'))
      .map(([text, times, name]) => bytes(adding(`<${name}>${escapeXml(text).repeat(times)}</${name}>`))),
    fc
      .tuple(fc.nat(300), fc.constantFrom(...WORDS), fc.nat(4))
      .map(([at, word, cut]) => bytes(adding('<A>1</A>').slice(0, at) + word + adding('<A>1</A>').slice(at + cut))),
    raw(80),
  ),
  words: WORDS.map(bytes),
  seeds: {
    call: bytes(adding('<NewExternalPort>6881</NewExternalPort><NewRemoteHost/>')),
    'bare-ampersand': bytes(adding('<NewPortMappingDescription>R&D</NewPortMappingDescription>')),
    section: bytes(adding('<A><![CDATA[<&>]]></A>')),
    twice: bytes(adding('<A/><A/>')),
    doctype: bytes(`<!DOCTYPE a [<!ENTITY b "c">]>${adding('<A>&b;</A>')}`),
    deep: bytes('<a>'.repeat(400)),
  },
  run(input) {
    const parsed = parseCall(input, HEADER, SERVICE);
    const text = new TextDecoder().decode(input);
    if (parsed.kind === 'call') {
      const { action, arguments: given } = parsed.call;
      must(action === 'AddPortMapping', 'only the action of the header is a call', action);
      must(given.size < 40, 'few arguments', given.size);
      for (const [name, { length }] of given)
        must(length <= (name === LONG ? input.length : 256), 'a short argument, but for the description', length);
      must(!isCall(bytes(`<!DOCTYPE a>${text.trim()}`)), 'no call has a DOCTYPE');
      must(!isCall(Buffer.concat([input, bytes('<a/>')])), 'no call has two roots');
      must(parseCall(input, HEADER, 'Layer3Forwarding').kind === 'fault', 'a call is of one service');
    }
    // A text comes through, in both directions; a line end is one character for XML.
    const plain = allowed(allowed(text).slice(0, 100));
    const sent = parseCall(bytes(adding(`<A>${escapeXml(plain)}</A>`)), HEADER, SERVICE);
    must(sent.kind === 'call' && sent.call.arguments.get('A') === plain, 'an argument is what was sent', plain);
    must(valueIn(answerXml(SERVICE, 'A', [['B', text]])) === allowed(text), 'an answer holds the text', text);
  },
};

/** What XML may hold of it, without control characters. */
const allowed = (text: string): string => text.replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, '');

/** The text of the element B, by a parser that refuses what is not well-formed. */
function valueIn(xml: string): string {
  const parser = new SaxesParser({ xmlns: true });
  let value = '';
  let isInside = false;
  parser.on('opentag', ({ name }) => {
    isInside = name === 'B';
  });
  parser.on('text', (text) => {
    if (isInside) value += text;
  });
  parser.on('closetag', () => {
    isInside = false;
  });
  parser.write(xml).close();
  return value;
}
