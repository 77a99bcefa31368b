// The data types of arguments, and text that goes out again.

import * as assert from 'uvu/assert';
import { escapeXml, parseBoolean, parseUint } from '../../upnp/igd/values.js';
import { cases } from '../support/cases.js';

cases<{ name: string; text: string; max?: number; want: number | null }>(
  'a number',
  [
    { name: 'zero', text: '0', want: 0 },
    { name: 'a port', text: '6881', want: 6881 },
    { name: 'the largest', text: '65535', want: 65535 },
    { name: 'one above is not wrapped', text: '65536', want: null },
    { name: '99999 is not 34463', text: '99999', want: null },
    { name: 'with leading zeros, ten digits', text: '0000006881', want: 6881 },
    { name: 'eleven digits', text: '00000006881', want: null },
    { name: 'with blanks around', text: ' \t\r\n 80 ', want: 80 },
    { name: 'with a blank inside', text: '8 0', want: null },
    { name: 'with a sign', text: '+80', want: null },
    { name: 'below zero', text: '-1', want: null },
    { name: 'a fraction', text: '80.0', want: null },
    { name: 'hex', text: '0x50', want: null },
    { name: 'an exponent', text: '8e1', want: null },
    { name: 'digits of another script', text: '٨٠', want: null },
    { name: 'nothing', text: '', want: null },
    { name: 'blanks', text: '  ', want: null },
    { name: 'a word', text: 'any', want: null },
    { name: 'two lines', text: '80\n81', want: null },
    { name: '32 bits', text: '4294967295', max: 0xffff_ffff, want: 0xffff_ffff },
    { name: '2^32', text: '4294967296', max: 0xffff_ffff, want: null },
    { name: 'ten digits', text: '9999999999', max: 0xffff_ffff, want: null },
  ],
  ({ text, max = 65535, want }) => assert.is(parseUint(text, max), want),
);

cases<{ name: string; want: boolean | null }>(
  'a boolean',
  [
    ...['1', 'true', 'True', 'TRUE', 'yes', 'YES', ' 1 ', 'true\n'].map((name) => ({ name, want: true })),
    ...['0', 'false', 'False', 'no', ' NO '].map((name) => ({ name, want: false })),
    ...['', '2', '01', 'on', 'off', 't', 'enabled', 'true false', '-1'].map((name) => ({ name, want: null })),
  ],
  ({ name, want }) => assert.is(parseBoolean(name), want),
);

cases(
  'text in XML',
  [
    { name: 'as it is', text: 'R and D 転送', want: 'R and D 転送' },
    { name: 'the five characters', text: `R&D <x> "y" 'z'`, want: 'R&amp;D &lt;x&gt; &quot;y&quot; &apos;z&apos;' },
    { name: 'what is escaped already is text', text: '&amp;', want: '&amp;amp;' },
    { name: 'the end of a section', text: ']]>', want: ']]&gt;' },
    { name: 'without control characters', text: 'a\u0000b\u0008c\nd\u007fe\u0085f', want: 'abcdef' },
    { name: 'without halves and noncharacters', text: 'a\ud800b\ufffec\uffffd', want: 'abcd' },
  ],
  ({ text, want }) => assert.is(escapeXml(text), want),
);
