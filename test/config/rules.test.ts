import * as assert from 'uvu/assert';
import { parsePortRanges, withoutPorts, commonPorts } from '../../proto/mapping.js';
import type { PolicyFlags } from '../../config/types.js';
import { parsePolicy } from '../../config/policy.js';
import { parseRule } from '../../config/rules.js';
import { cases, claims } from '../support/cases.js';

const host = (address: number, length = 32) => ({ kind: 'prefix', address, length });
const ALL = [{ from: 1, to: 65535 }];
/** What a rule grants if it does not say otherwise. */
const any = { ports: ALL, pinholePorts: ALL, maxMappings: 100, maxLifetime: 86400 };
const parse = (text: string) => {
  const complaints: string[] = [];
  return { rule: parseRule(text, any, ALL, (complaint) => complaints.push(complaint)), complaints };
};

cases(
  'parseRule',
  [
    { name: 'allow 192.168.1.50', want: { who: host(0xc0a80132), grant: any } },
    { name: 'deny 192.168.1.64/26', want: { who: host(0xc0a80140, 26), grant: null } },
    { name: 'deny 0.0.0.0/0', want: { who: host(0, 0), grant: null } },
    { name: 'deny mac 02:00:00:00:00:07', want: { who: { kind: 'mac', mac: 0x020000000007 }, grant: null } },
    {
      name: '  allow   mac FE:ff:ff:ff:ff:ff  max-mappings 3 ',
      want: { who: { kind: 'mac', mac: 0xfeffffffffff }, grant: { ...any, maxMappings: 3 } },
    },
    {
      name: 'allow 10.0.0.0/8 max-lifetime 3600 ports 6881-6999,51413',
      want: {
        who: host(0x0a000000, 8),
        grant: {
          ...any,
          maxLifetime: 3600,
          ports: [
            { from: 6881, to: 6999 },
            { from: 51413, to: 51413 },
          ],
          pinholePorts: [
            { from: 6881, to: 6999 },
            { from: 51413, to: 51413 },
          ],
        },
      },
    },
  ] as const,
  ({ name, want }) => assert.equal(parse(name), { rule: want, complaints: [] }),
);

cases(
  'parseRule complains',
  [
    { name: '', says: [/begin with allow or deny/, /names no host/] },
    { name: 'permit 10.0.0.1', says: [/"permit": begin with allow or deny/] },
    { name: 'allow', says: [/names no host/] },
    { name: 'allow printer', says: [/"printer" names no host/] },
    { name: 'allow 10.0.0.1/33', says: [/"10.0.0.1\/33" names no host/] },
    { name: 'allow 10.0.0.1/24', says: [/bits beyond the prefix/] },
    { name: 'deny mac 02:00:00:00:00', says: [/"02:00:00:00:00" is not a hardware address/] },
    { name: 'deny mac', says: [/"" is not a hardware address/] },
    { name: 'allow 10.0.0.1 port 80', says: [/"port": none of ports, max-mappings, max-lifetime/] },
    { name: 'allow 10.0.0.1 ports', says: [/"ports": its value is missing/] },
    { name: 'allow 10.0.0.1 ports 0-80', says: [/ports "0-80"/] },
    { name: 'allow 10.0.0.1 ports 80,', says: [/ports "80,"/] },
    { name: 'allow 10.0.0.1 max-mappings 0', says: [/max-mappings "0": give a number from 1 to 131070/] },
    { name: 'allow 10.0.0.1 max-lifetime 4294967295', says: [/max-lifetime "4294967295"/] },
    { name: 'allow 10.0.0.1 max-mappings 1 max-mappings 2', says: [/max-mappings is there twice/] },
    { name: 'deny 10.0.0.1 ports 80', says: [/deny takes nothing behind the host/] },
    {
      name: 'alow 10.0.0.1/8 ports x max-mappings -1',
      says: [/"alow"/, /bits beyond/, /ports "x"/, /max-mappings "-1"/],
    },
  ],
  ({ name, says }) => {
    const { rule, complaints } = parse(name);
    assert.is(rule, null);
    assert.ok(complaints.every((complaint) => complaint.startsWith(`--rule "${name}": `)));
    assert.is(complaints.length, says.length, complaints.join(' | '));
    for (const [index, pattern] of says.entries()) assert.match(complaints[index] ?? '', pattern);
  },
);

function policy(flags: PolicyFlags) {
  const complaints: string[] = [];
  const parsed = parsePolicy(flags, { maxMappings: 100, maxLifetime: 86400 }, (complaint) =>
    complaints.push(complaint),
  );
  return { ...parsed, complaints };
}

claims('parsePolicy', {
  'a rule gives what it says, and of the rest what is general': () => {
    const { rules, complaints } = policy({
      allowedPorts: ['5000-6000'],
      deniedPorts: ['5001'],
      reservedPorts: ['5003,5005-5900'],
      rule: ['allow 10.0.0.1 ports 1-5006 max-mappings 1', 'allow 10.0.0.2 max-lifetime 9'],
      defaultRule: 'deny',
    });
    assert.equal(complaints, []);
    assert.equal(
      rules.map(({ grant }) => grant),
      [
        {
          ports: [
            { from: 5000, to: 5000 },
            { from: 5002, to: 5002 },
            { from: 5004, to: 5004 },
          ],
          pinholePorts: [
            { from: 5000, to: 5000 },
            { from: 5002, to: 5006 },
          ],
          maxMappings: 1,
          maxLifetime: 86400,
        },
        {
          ports: [
            { from: 5000, to: 5000 },
            { from: 5002, to: 5002 },
            { from: 5004, to: 5004 },
            { from: 5901, to: 6000 },
          ],
          pinholePorts: [
            { from: 5000, to: 5000 },
            { from: 5002, to: 6000 },
          ],
          maxMappings: 100,
          maxLifetime: 9,
        },
        null,
      ],
    );
  },
  'the router may take the last port of a rule, which is no mistake': () =>
    assert.equal(policy({ reservedPorts: ['5000'], rule: ['allow 10.0.0.1 ports 5000'] }).complaints, []),
  'no port is denied where none is wanted': () => assert.equal(policy({ deniedPorts: ['none'] }).deniedPorts, []),
});

const all = [{ from: 1, to: 65535 }];
cases(
  'ranges',
  [
    {
      name: 'several',
      see: parsePortRanges('1-2, 5'),
      want: [
        { from: 1, to: 2 },
        { from: 5, to: 5 },
      ],
    },
    { name: 'one of them is none', see: parsePortRanges('1-2,0'), want: null },
    {
      name: 'without a range',
      see: withoutPorts(all, [{ from: 10, to: 20 }]),
      want: [
        { from: 1, to: 9 },
        { from: 21, to: 65535 },
      ],
    },
    {
      name: 'without overlapping ones',
      see: withoutPorts(
        [{ from: 5, to: 30 }],
        [
          { from: 1, to: 9 },
          { from: 8, to: 12 },
          { from: 30, to: 99 },
        ],
      ),
      want: [{ from: 13, to: 29 }],
    },
    {
      name: 'common',
      see: commonPorts(
        [
          { from: 1, to: 9 },
          { from: 20, to: 29 },
        ],
        [{ from: 9, to: 21 }],
      ),
      want: [
        { from: 9, to: 9 },
        { from: 20, to: 21 },
      ],
    },
  ],
  ({ see, want }) => assert.equal(see, want),
);
