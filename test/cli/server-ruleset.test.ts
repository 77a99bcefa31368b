// How the wanted ruleset gets into the kernel: what is whose, and which script nft is given. Literal texts.

import { crc32 } from 'node:zlib';
import * as assert from 'uvu/assert';
import { isAtLeast } from '../../cli/host/ruleset.js';
import type { FoundRuleset } from '../../cli/host/ruleset-plan.js';
import {
  elementsIn,
  exchangeRules,
  findLeftovers,
  isCurrent,
  mappingSets,
  obstacle,
  readTables,
  removal,
  replaceRulesets,
} from '../../cli/host/ruleset-plan.js';
import { labelOf, ruleset, withoutIpsec } from '../../cli/host/ruleset-text.js';
import { parseRulesetFlags } from '../../cli/host/ruleset-flags.js';
import { CONFIG, WITH_PINHOLES } from '../lab/ruleset.js';
import { cases, claims } from '../support/cases.js';

const found = (changes: Partial<FoundRuleset> = {}): FoundRuleset => ({
  family: 'inet',
  table: 'nat',
  chain: 'PMP',
  checksum: null,
  chains: [],
  sets: [],
  isAlone: true,
  rules: 0,
  ...changes,
});
const object = (kind: string, name: string, comment?: string): string =>
  `\t${kind} ${name} {\n${comment === undefined ? '' : `\t\tcomment "${comment}"\n`}\t\taccept\n\t}\n`;
const OURS = object('map', 'PMP-in', 'natpmp-server PMP') + object('chain', 'PMP', 'natpmp-server PMP 0badcafe');
const PMP = found({ checksum: '0badcafe', chains: ['PMP'], sets: ['PMP-in'], rules: 1 });

cases<{ name: string; listing: string; rulesets: FoundRuleset[]; removable?: string[]; foreign?: string[] }>(
  'what is whose',
  [
    {
      name: 'ours, alone in a table that we have made',
      listing: `table inet nat {\n\tcomment "natpmp-server"\n${OURS}}\n`,
      rulesets: [PMP],
      removable: ['nat'],
    },
    {
      name: 'ours, in a table that is somebody else’s',
      listing: `table inet nat {\n${OURS}}\n`,
      rulesets: [PMP],
    },
    {
      name: 'ours beside what others have put into our table',
      listing: `table inet nat {\n\tcomment "natpmp-server"\n${OURS}${object('chain', 'theirs')}${object('set', 'PMP-out', 'mine')}}\n`,
      rulesets: [{ ...PMP, isAlone: false }],
      foreign: ['chain theirs', 'set PMP-out'],
    },
    {
      name: 'two gateways in one table, one name the beginning of the other',
      listing: `table inet nat {\n\tcomment "natpmp-server"\n${OURS}${object('chain', 'PMP-b', 'natpmp-server PMP-b 1234abcd')}}\n`,
      rulesets: [
        { ...PMP, isAlone: false },
        found({ chain: 'PMP-b', checksum: '1234abcd', chains: ['PMP-b'], rules: 1, isAlone: false }),
      ],
      removable: ['nat'],
    },
    {
      name: 'a table of the releases before',
      listing: `table ip nat {\n\tcomment "natpmp-server owns this table"\n\tmap in {\n\t\tsize 1\n\t}\n\n${object('chain', 'PMP-input')}\n${object('chain', 'PMP', 'natpmp-server 0badcafe')}}\n`,
      rulesets: [found({ family: 'ip', chains: ['PMP-input', 'PMP'], sets: ['in'] })],
    },
    {
      name: 'one of a release that kept the checksum in the table',
      listing:
        'table ip nat {\n\tcomment "natpmp-server 0badcafe"\n\tmap in {\n\t}\n\tchain PMP {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t}\n}\n',
      rulesets: [found({ family: 'ip', chains: ['PMP'], sets: ['in'] })],
    },
    {
      name: 'a table of the releases before, in which iptables has put chains of its own',
      listing: `table ip nat {\n\tcomment "natpmp-server owns this table"\n\tmap in {\n\t}\n${object('chain', 'POSTROUTING')}${object('chain', 'PMP', 'natpmp-server 0badcafe')}}\n`,
      rulesets: [found({ family: 'ip', chains: ['PMP'], sets: ['in'], isAlone: false })],
    },
    {
      name: 'what others have in it once ours is gone',
      listing: `table ip nat {\n\tcomment "natpmp-server owns this table"\n${object('chain', 'POSTROUTING')}}\n`,
      rulesets: [],
    },
    {
      name: "iptables-nft's",
      listing:
        '# Warning: table ip nat is managed by iptables-nft, do not touch!\ntable ip nat {\n\tchain DOCKER {\n\t}\n}\n',
      rulesets: [],
    },
    { name: 'an empty one', listing: 'table inet nat {\n}\n', rulesets: [] },
    { name: 'another comment', listing: 'table ip nat {\n\tcomment "mine"\n}\n', rulesets: [] },
    {
      name: "a rule's comment is not the chain's",
      listing: 'table inet nat {\n\tchain c {\n\t\taccept comment "natpmp-server PMP"\n\t}\n}\n',
      rulesets: [],
      foreign: ['chain c'],
    },
    { name: 'nothing', listing: '', rulesets: [] },
  ],
  ({ listing, rulesets, removable = [], foreign = [] }) => {
    const tables = readTables(listing);
    assert.equal(tables.rulesets, rulesets);
    assert.equal([...tables.removable], removable);
    assert.equal(tables.foreign.get('nat') ?? [], foreign);
  },
);

const RULESET = `table inet nat {
  comment "natpmp-server"
}
table inet nat {
  map PMP-in {
    comment "natpmp-server PMP"
    size 1
  }
  set PMP-live {
  }
  chain PMP {
    comment "natpmp-server PMP 11112222"
    accept
  }
}
`;

cases<{ name: string; there: FoundRuleset | null; want: boolean }>(
  'is it there already?',
  [
    { name: 'no ruleset', there: null, want: false },
    { name: 'the same', there: found({ checksum: '11112222', chains: ['PMP'], rules: 1 }), want: true },
    {
      name: 'of another configuration',
      there: found({ checksum: '22221111', chains: ['PMP'], rules: 1 }),
      want: false,
    },
    { name: 'without its prerouting chain', there: found({ rules: 1 }), want: false },
    { name: 'a chain is missing', there: found({ checksum: '11112222', chains: ['PMP-b'], rules: 1 }), want: false },
    { name: 'a chain was emptied', there: found({ checksum: '11112222', chains: ['PMP'] }), want: false },
  ],
  ({ there, want }) => assert.is(isCurrent(there, RULESET), want),
);

cases<{ name: string; listing: string; want: string | null }>(
  'what stands in the way',
  [
    { name: 'nothing', listing: '', want: null },
    { name: 'ours', listing: `table inet nat {\n${OURS}}\n`, want: null },
    { name: 'other names of others', listing: `table inet nat {\n${object('chain', 'DOCKER')}}\n`, want: null },
    {
      name: 'a chain of our name',
      listing: `table inet nat {\n${object('chain', 'PMP')}}\n`,
      want: 'has a chain PMP of somebody else',
    },
    {
      name: 'a set of the name of our map',
      listing: `table inet nat {\n${object('set', 'PMP-in')}}\n`,
      want: 'has a set PMP-in of somebody else',
    },
    {
      name: 'another gateway, whose chain has the name of one of ours',
      listing: `table inet nat {\n${object('chain', 'P', 'natpmp-server P 0badcafe')}${object('set', 'PMP-live', 'natpmp-server P')}}\n`,
      want: 'has the gateway P, some of whose names are the same',
    },
    { name: 'the same in family ip', listing: `table ip nat {\n${object('chain', 'PMP')}}\n`, want: null },
    {
      name: 'an owner',
      listing: 'table inet nat { # progname firewalld\n\tflags owner\n}\n',
      want: 'belongs to a program that lets nobody else change it',
    },
  ],
  ({ listing, want }) => assert.is(obstacle(readTables(listing), { table: 'nat', chain: 'PMP' }, RULESET), want),
);

cases<{ name: string; there: FoundRuleset; installed?: { table: string; chain: string }; goes: boolean }>(
  'what of ours has to go',
  [
    { name: 'the wanted one', there: found(), goes: false },
    { name: 'in a table of another name', there: found({ table: 'portmap' }), goes: true },
    { name: 'of a release before', there: found({ family: 'ip' }), goes: true },
    { name: 'of a release before, without its chains', there: found({ family: 'ip', chain: '' }), goes: true },
    { name: 'another gateway', there: found({ chain: 'PMP2' }), goes: false },
    { name: 'another gateway with a release before', there: found({ family: 'ip', chain: 'PMP2' }), goes: false },
    {
      name: 'what we installed under another name',
      there: found({ chain: 'OLD' }),
      installed: { table: 'nat', chain: 'OLD' },
      goes: true,
    },
    {
      name: 'another gateway beside what we installed',
      there: found({ chain: 'PMP2' }),
      installed: { table: 'nat', chain: 'OLD' },
      goes: false,
    },
  ],
  ({ there, installed = null, goes }) => {
    const tables = { rulesets: [there], removable: new Set<string>(), foreign: new Map(), owned: new Set<string>() };
    assert.equal(findLeftovers(tables, { table: 'nat', chain: 'PMP' }, installed), goes ? [there] : []);
  },
);

cases<{ name: string; there: FoundRuleset; want: string | null }>(
  'rules are exchanged around the sets',
  [
    {
      name: 'the same sets: only our chains are flushed and deleted',
      there: found({ chains: ['PMP', 'PMP-old'], sets: ['PMP-in', 'PMP-live'] }),
      want: `flush chain inet nat PMP\nflush chain inet nat PMP-old\ndelete chain inet nat PMP\ndelete chain inet nat PMP-old\n${RULESET}`,
    },
    { name: 'one set fewer', there: found({ sets: ['PMP-in'] }), want: null },
    { name: 'one set more', there: found({ sets: ['PMP-in', 'PMP-live', 'PMP-out'] }), want: null },
    { name: 'another set', there: found({ sets: ['PMP-in', 'PMP-out'] }), want: null },
  ],
  ({ there, want }) => assert.is(exchangeRules(there, RULESET), want),
);

cases(
  'elements, as nft shows them and takes them',
  [
    {
      name: 'of a map',
      listing:
        'table inet nat {\n\tmap PMP-in {\n\t\tflags timeout\n\t\telements = { tcp . 8080 timeout 1h expires ' +
        '59m58s972ms : 192.168.1.2 . 8080,\n\t\t\t     udp . 1 : 192.168.1.3 . 1 }\n\t}\n}\n',
      want: '{ tcp . 8080 timeout 1h expires 59m58s972ms : 192.168.1.2 . 8080, udp . 1 : 192.168.1.3 . 1 }',
    },
    {
      name: 'one that ends in this moment',
      listing:
        '\t\telements = { tcp . 1 timeout 1h expires 0s : 10.0.0.1 . 1, tcp . 2 timeout 1h expires 10s : ' +
        '10.0.0.1 . 2 }\n',
      want: '{ tcp . 2 timeout 1h expires 10s : 10.0.0.1 . 2 }',
    },
    {
      name: 'all end in this moment',
      listing: '\t\telements = { tcp . 1 timeout 1h expires 0s : 10.0.0.1 . 1 }\n',
      want: null,
    },
    { name: 'none', listing: 'table inet nat {\n\tmap PMP-in {\n\t\tflags timeout\n\t}\n}\n', want: null },
  ],
  ({ listing, want }) => {
    const { count, block } = elementsIn(listing);
    assert.equal([count === 0 ? null : block, count], [want, want === null ? 0 : want.split(',').length]);
  },
);

claims('scripts', {
  'a ruleset from nothing has the elements, and what is in the way goes in the same transaction': () =>
    assert.is(
      replaceRulesets(
        { table: 'nat', chain: 'PMP' },
        RULESET,
        new Map([
          ['PMP-in', '{ a : b }'],
          ['PMP-live', '{ c }'],
        ]),
        [found({ family: 'ip' }), found({ table: 'old', chains: ['PMP'], sets: ['PMP-in'] })],
      ),
      'delete table ip nat\n' +
        'flush chain inet old PMP\ndelete chain inet old PMP\ndelete set inet old PMP-in\n' +
        `${RULESET}\nadd element inet nat PMP-in { a : b }\nadd element inet nat PMP-live { c }\n`,
    ),
  'of a table of the releases before, what others have put into it stays': () =>
    assert.is(
      removal({ rulesets: [], removable: new Set(), foreign: new Map(), owned: new Set() }, [
        found({ family: 'ip', chains: ['PMP'], sets: ['in'], isAlone: false }),
      ]),
      'flush chain ip nat PMP\ndelete chain ip nat PMP\ndelete set ip nat in\n',
    ),
  'the sets of the releases before move to those that are named after the chain': () => {
    const wanted = { table: 'nat', chain: 'PMP' };
    const moves = (there: FoundRuleset, text: string) =>
      mappingSets(there, wanted, text).map(({ kind, name, movesTo }) => `${kind} ${name} ${movesTo}`);
    const [plain, full] = [CONFIG, WITH_PINHOLES].map((config) => ruleset({ ...config, chain: 'PMP' }));
    const before = found({ family: 'ip', sets: ['live', 'in', 'askers', 'out'] });
    assert.equal(moves(before, plain ?? ''), ['map in PMP-in', 'map out PMP-out', 'set live PMP-live']);
    assert.equal(moves(found({ chain: 'OLD', sets: ['OLD-in'] }), plain ?? ''), ['map OLD-in PMP-in']);
    const pinholes = found({ chain: 'OLD', sets: ['OLD-pinholes', 'OLD-live', 'OLD-askers'] });
    assert.equal(moves(pinholes, full ?? ''), ['set OLD-live PMP-live', 'set OLD-pinholes PMP-pinholes']);
    assert.equal(moves(pinholes, plain ?? ''), ['set OLD-live PMP-live'], 'turned off: there is no such set any more');
  },
  'removal leaves a table to those who have something in it': () => {
    const mine = `table inet nat {\n\tcomment "natpmp-server"\n${OURS}`;
    const script = (listing: string): string => {
      const tables = readTables(listing);
      return removal(
        tables,
        tables.rulesets.filter(({ chain }) => chain === 'PMP'),
      );
    };
    const ours = 'flush chain inet nat PMP\ndelete chain inet nat PMP\ndelete set inet nat PMP-in\n';
    assert.is(script(`${mine}}\n`), `${ours}delete table inet nat\n`);
    assert.is(script(`${mine}${object('chain', 'theirs')}}\n`), ours);
    assert.is(script(`${mine}${object('chain', 'PMP2', 'natpmp-server PMP2 0badcafe')}}\n`), ours);
    assert.is(script(`table inet nat {\n${OURS}}\n`), ours);
  },
});

cases<{ name: string; chain: string; want: number }>(
  'the conntrack label of a chain',
  [
    { name: 'the default has that of the releases before', chain: 'NATPMP', want: 113 },
    { name: 'another', chain: 'PMP2', want: 127 },
    { name: 'and another', chain: 'portmap', want: 70 },
  ],
  ({ chain, want }) => assert.is(labelOf(chain), want),
);

claims('the conntrack labels', {
  'of other chains are between 64 and 127, never that of the default, and all in use': () => {
    const labels = new Set(Array.from({ length: 2000 }, (_, index) => labelOf(`C${index}`)));
    assert.is(labels.size, 63);
    assert.is(Math.min(...labels), 64);
    assert.is(Math.max(...labels), 127);
    assert.not.ok(labels.has(113));
  },
});

claims('the ruleset', {
  'with UPnP has one rule more, whose mark is another one for each gateway': () => {
    const lines = (config: typeof CONFIG) =>
      ruleset(config)
        .split('\n')
        .filter((line) => !/comment "natpmp-server \S+ [0-9a-f]{8}"/.test(line));
    const more = (config: typeof CONFIG) => {
      const without = lines(config);
      return lines({ ...config, upnp: true }).filter((line) => !without.includes(line));
    };
    assert.equal(more(CONFIG), ['    oifname != "br-lan" socket mark 0x71000000 drop']);
    assert.equal(more({ ...CONFIG, chain: 'NATPMP2', listenInterfaces: ['a', 'b'] }), [
      `    oifname != { "a", "b" } socket mark 0x${labelOf('NATPMP2').toString(16)}000000 drop`,
    ]);
    assert.is.not(labelOf('NATPMP2'), labelOf('NATPMP'));
  },
  'without pinholes is this one, to the byte: a change has every router load it again': () => {
    const text = ruleset({ ...CONFIG, listenInterfaces: ['br-lan', 'br-guest'] });
    assert.is(crc32(text).toString(16), 'f87ed273');
  },
  'leaves what an IPsec policy takes alone: with another source it would leave in the clear': () => {
    const rules = ruleset(CONFIG)
      .split('\n')
      .filter((line) => / oifname "wan0" .* masquerade (?:to|random)/.test(line));
    assert.is(rules.length, 2);
    for (const rule of rules) assert.match(rule, / rt ipsec missing /);
  },
  'for a kernel that knows no IPsec is the same otherwise, also for the next look whether it is there': () => {
    const [text, other] = [ruleset(WITH_PINHOLES), withoutIpsec(ruleset(WITH_PINHOLES))];
    assert.not.match(other, /ipsec/);
    assert.is(other.split('\n').length, text.split('\n').length);
    const checksum = /comment "natpmp-server NATPMP ([0-9a-f]{8})"/;
    assert.is(checksum.exec(other)?.[1], checksum.exec(text)?.[1]);
  },
  'remembers that a request has passed connection tracking for longer than that it came: else it would count as lost':
    () => {
      const timeouts = (name: string) =>
        [...ruleset(WITH_PINHOLES).matchAll(new RegExp(`set NATPMP-${name}6? \\{[^}]* timeout (\\d+)s\\n`, 'g'))].map(
          ([, seconds]) => Number(seconds),
        );
      const [asked, tracked] = [timeouts('asked'), timeouts('tracked')];
      assert.is(asked.length, 2);
      assert.ok(asked.every((seconds, index) => seconds < (tracked[index] ?? 0)));
    },
  'with pinholes has all that is there without them, and what it does with IPv4 is the same': () => {
    const lines = (text: string) =>
      text.split('\n').filter((line) => !/comment "natpmp-server NATPMP [0-9a-f]{8}"/.test(line));
    const more = new Set(lines(ruleset(WITH_PINHOLES)));
    const missing = lines(ruleset(CONFIG)).filter((line) => !more.has(line));
    assert.equal(missing, ['    ct label 113 goto NATPMP-live']);
    assert.ok(more.has('    meta nfproto ipv4 ct label 113 goto NATPMP-live'));
  },
});

cases<{ name: string; flags?: readonly string[]; want: string | readonly string[] }>(
  'the ports that another host may leave from, of --allowed-ports',
  [
    { name: 'not given: any', want: 'masquerade random' },
    { name: 'all that are not privileged: any', flags: ['1024-65535'], want: 'masquerade random' },
    { name: 'in two pieces: the same', flags: ['1024-20000', '20001-65535'], want: 'masquerade random' },
    { name: 'more: any', flags: ['1-65535'], want: 'masquerade random' },
    { name: 'the widest range', flags: ['4000-4003,5000-5999', '80'], want: 'masquerade to :5000-5999 random' },
    { name: 'four', flags: ['4000-4003'], want: 'masquerade to :4000-4003 random' },
    { name: 'three are too few to choose among', flags: ['4000-4002'], want: 'masquerade random' },
    { name: 'no ports', flags: ['1-0'], want: ['--allowed-ports 1-0: not ports from 1 to 65535'] },
  ],
  ({ flags, want }) => {
    const ports = (flags ?? []).flatMap((one) => ['--allowed-ports', one]);
    const parsed = parseRulesetFlags(
      ['--external-interface', 'wan0', '--listen-interface', 'br-lan', ...ports],
      () => '',
    );
    const found = 'ok' in parsed ? /masquerade (to :\S+ )?random$/m.exec(ruleset(parsed.ok))?.[0] : parsed;
    assert.equal(found, typeof want === 'string' ? want : { complaints: want });
  },
);

cases<{ name: string; kernel: string; want: boolean }>(
  'a kernel that looks into maps',
  [
    { name: 'this one', kernel: '6.18.44-fc-v782', want: true },
    { name: 'the first', kernel: '6.5.0', want: true },
    { name: 'the last before', kernel: '6.4.16', want: false },
    { name: 'of Debian 12', kernel: '6.1.0-28-amd64', want: false },
    { name: 'a later one', kernel: '7.0', want: true },
  ],
  ({ kernel, want }) => assert.is(isAtLeast(kernel, 6, 5), want),
);
