import * as assert from 'uvu/assert';
import { plainText } from '../../caller/plain-text.js';
import { cases } from '../support/cases.js';

cases(
  'plain text',
  [
    { name: 'as it is', text: 'Transmission at 51413', want: 'Transmission at 51413' },
    { name: 'any script', text: 'Übertragung 転送 😀', want: 'Übertragung 転送 😀' },
    { name: 'no escape sequence', text: '\u001b[31mred\u0007\u009b1m', want: '[31mred1m' },
    { name: 'no other line', text: 'a\r\nb\u2028c\u2029d\u0085e', want: 'abcde' },
    { name: 'no other direction', text: 'a\u202egpj\u200f\u2066b', want: 'agpjb' },
    { name: 'nothing without width', text: 'a\u200b\ufeff\u00adb', want: 'ab' },
    { name: 'no half of a pair', text: 'a\ud83db\ude00c', want: 'abc' },
    { name: 'nothing private or unassigned', text: 'a\ue000\uffff\u{10ffff}b', want: 'ab' },
    { name: 'cut by characters, not by halves', text: '😀😀😀😀😀😀', want: '😀😀😀😀😀' },
    { name: 'cut after what is dropped', text: '\u0000a\u0000b\u0000c\u0000d\u0000e\u0000f', want: 'abcde' },
  ],
  ({ text, want }) => assert.is(plainText(text, want.startsWith('😀') || want === 'abcde' ? 5 : 64), want),
);
