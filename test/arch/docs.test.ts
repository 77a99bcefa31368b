// The documents keep up with the code: docs/protocol.md has a row for each requirement and names files and test cases
// that exist, docs/helper-api.md mentions all of the schema, and its examples do what it says.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import * as assert from 'uvu/assert';
import { openListener } from '../../cli/server/sockets.js';
import { Server } from '../../helper/server.js';
import type { Event, Request, Response } from '../../proto/codec.js';
import { decodeRequest, encodeResponse } from '../../proto/codec.js';
import { decodeResponse, encodeRequest } from '../../proto/client-codec.js';
import { natpmp } from '../../proto/generated/helper.js';
import type { Lease } from '../../proto/mapping.js';
import { StatsRecorder } from '../../proto/totals.js';
import { bytes, hex } from '../support/bytes.js';
import { atEnd, cases, claims } from '../support/cases.js';

const DIST = resolve(import.meta.dirname, '../..');
const PROJECT = resolve(DIST, '..');
const text = (path: string): string => readFileSync(join(PROJECT, path), 'utf8');
const protocol = text('docs/protocol.md');
const api = text('docs/helper-api.md');

interface Row {
  readonly name: string;
  readonly sections: string;
  readonly strength: string;
  readonly answer: string;
  readonly files: string;
  readonly tests: string;
}

const pcp = text('docs/pcp.md');
/** The rows of a document whose names begin with one of these letters. */
const rowsOf = (document: string, letters: string): readonly Row[] =>
  document
    .split('\n')
    .filter((line) => new RegExp(`^\\| [${letters}]-\\d+ \\|`).test(line))
    .map((line) => {
      const cells = line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim());
      assert.is(cells.length, 7, line);
      const [name = '', sections = '', strength = '', , answer = '', files = '', tests = ''] = cells;
      return { name, sections, strength, answer, files, tests };
    });
const rows = rowsOf(protocol, 'RD');
const pcpRows = rowsOf(pcp, 'P');

/** A path of the project, in a document. */
const FILE = /^(caller|cli|config|docs|frontend|helper|process|proto|test|scripts|systemd|upnp)\/[^ ]*\.[a-z]+$/;
const numbers = (letter: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${letter}-${index + 1}`);
const withoutBlocks = (document: string): string => document.replace(/^```.*?^```/gms, '');
const inCode = (document: string): string[] =>
  [...withoutBlocks(document).matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

claims('docs/protocol.md', {
  'has one row for each of R-1 to R-97 and D-1 to D-14': () =>
    assert.equal(rows.map(({ name }) => name).sort(), [...numbers('R', 97), ...numbers('D', 14)].sort()),
  'names only files that exist': () => {
    const named = inCode(protocol).filter((code) => FILE.test(code));
    assert.ok(named.length > 100);
    for (const path of named) assert.ok(existsSync(join(PROJECT, path)), path);
  },
  'names only flags that a program has': () => {
    const sources = ['cli/server/flags.ts', 'helper/flags.ts', 'caller/flags.ts'].map(text);
    // The helper's flags are declared by the text of its --help, which begins each line with one.
    for (const source of sources)
      assert.ok(source.split(/^ +(?:\.option\(')?--/m).length > 10, 'flags are declared there');
    const named = inCode(protocol).filter((code) => /^--[a-z-]+$/.test(code));
    assert.ok(named.length > 10);
    for (const flag of named) {
      const declared = new RegExp(`['\\s]${flag}(?: <[^>]+>)?['\\s]`);
      assert.ok(
        sources.some((source) => declared.test(source)),
        flag,
      );
    }
  },
  'mentions in its text only requirements and figures that it has': () => {
    const figures = new Set([...protocol.matchAll(/^\*\*(F-\d+) /gm)].map(([, name]) => name));
    assert.is(figures.size, 7);
    for (const [name] of protocol.matchAll(/\bF-\d+\b/g)) assert.ok(figures.has(name), name);
    for (const [name] of protocol.matchAll(/\b[RD]-\d+\b/g))
      assert.ok(
        rows.some((row) => row.name === name),
        name,
      );
  },
});

claims('docs/pcp.md', {
  'has one row for each of P-01 to P-104': () =>
    assert.equal(
      pcpRows.map(({ name }) => name),
      Array.from({ length: 104 }, (_, index) => `P-${String(index + 1).padStart(2, '0')}`),
    ),
  'names only files and tests that exist': () => {
    const named = inCode(pcp).filter((code) => FILE.test(code));
    assert.ok(named.length > 100);
    for (const path of named) assert.ok(existsSync(join(PROJECT, path)), path);
    const head = pcp.split('# The requirements')[0] ?? '';
    const promised = [...head.matchAll(/`(test\/[^`]+\.ts)`:\s+((?:"[^"]+"(?:,\s+)?)+)/g)];
    assert.ok(promised.length > 5);
    for (const [, file = '', names = ''] of promised) {
      const source = text(file).replaceAll("\\'", "'");
      for (const [, name = ''] of names.matchAll(/"([^"]+)"/g)) assert.ok(source.includes(name), `${file}: ${name}`);
    }
  },
});

const upnp = text('docs/upnp.md');

claims('docs/upnp.md', {
  'has one row for each of U-01 to U-89, with what is done or not, and who shows it': () => {
    const rows = upnp.split('\n').filter((line) => line.startsWith('| U-'));
    assert.equal(
      rows.map((line) => line.slice(2, 6)),
      Array.from({ length: 89 }, (_, index) => `U-${String(index + 1).padStart(2, '0')}`),
    );
    for (const row of rows)
      assert.match(row, /^\| U-\d\d \| .+ \| .+ \| .*`test\/[^`]+\.ts`: "[^|]* \|$|not applicable/, row);
  },
  'names only files and tests that exist': () => {
    const named = inCode(upnp).filter((code) => FILE.test(code));
    assert.ok(named.length > 100);
    for (const path of named) assert.ok(existsSync(join(PROJECT, path)), path);
    const promised = [...upnp.matchAll(/`(test\/[^`]+\.ts)`:\s+((?:"[^"]+"(?:,\s+)?)+)/g)];
    assert.ok(promised.length > 50);
    for (const [, file = '', names = ''] of promised) {
      const source = text(file).replaceAll("\\'", "'");
      for (const [, name = ''] of names.matchAll(/"([^"]+)"/g)) assert.ok(source.includes(name), `${file}: ${name}`);
    }
  },
});

function checkRow({ sections, strength, answer, files, tests }: Row): void {
  assert.match(sections, /^(-|[0-9A-Z][0-9A-Za-z., ;]*)$/);
  assert.match(strength, /^(MUST|MUST NOT|SHOULD|SHOULD NOT|RECOMMENDED|MAY|plain|plain, should|derived|-)$/);
  assert.ok(answer.length > 1);
  assert.ok(inCode(files).length > 0, 'a file that does it');
  if (tests === 'none yet') return;
  for (const part of tests.split(/; (?=`)/)) {
    const [, file = '', names = ''] = /^`(test\/[^`]+\.test\.ts)`: ((?:"[^"]+"(?:, )?)+)$/.exec(part) ?? [];
    assert.ok(file !== '', `${part}: a test file and the names of its cases`);
    // A case is declared by its name, in whichever quotes; those in it are escaped.
    const source = text(file).replaceAll("\\'", "'");
    for (const [, name = ''] of names.matchAll(/"([^"]+)"/g)) assert.ok(source.includes(name), `${file}: ${name}`);
  }
}

cases('docs/protocol.md, a row', rows, checkRow);
cases('docs/pcp.md, a row', pcpRows, checkRow);

const threats = text('docs/threat-model.md');

claims('docs/threat-model.md', {
  'names only files that exist': () => {
    const named = inCode(threats)
      .map((code) => code.split(' : ')[0] ?? '')
      .filter((code) => FILE.test(code));
    assert.ok(named.length > 60);
    for (const path of named) assert.ok(existsSync(join(PROJECT, path)), path);
  },
  'names only functions that these files have': () => {
    const named = inCode(threats)
      .map((code) => (/ : (\w+)$/.exec(code)?.[1] === undefined ? null : code.split(' : ')))
      .filter((pair) => pair !== null);
    assert.ok(named.length > 15);
    for (const [file = '', name = ''] of named)
      assert.match(text(file), new RegExp(`\\b${name}\\(`), `${file} : ${name}`);
  },
  'every promise of its tables names a test': () => {
    let [isPromise, rows] = [false, 0];
    for (const line of threats.split('\n')) {
      const isHead = line.endsWith('| shown by |');
      if (isPromise && line.startsWith('| ')) {
        rows++;
        assert.match(line, /`test\/[^`]+\.ts`[^|]*\|$/, line);
      }
      isPromise = isHead || (isPromise && line.startsWith('|'));
    }
    assert.ok(rows > 50, `${rows} rows`);
  },
  'is shorter than 20 kB': () => assert.ok(threats.length < 20_000, `${threats.length}`),
  'names only tests that exist': () => {
    const named = [...threats.matchAll(/`(test\/[^`]+\.ts)`: ((?:"[^"]+"(?:, )?)+)/g)];
    assert.ok(named.length > 40);
    for (const [, file = '', names = ''] of named) {
      const source = text(file);
      for (const [, name = ''] of names.matchAll(/"([^"]+)"/g)) assert.ok(source.includes(name), `${file}: ${name}`);
    }
  },
});

const sectionsOf = (all: readonly Row[]): ReadonlySet<string> =>
  new Set(
    all.flatMap(({ sections }) => sections.split(/[,;] /)).filter((section) => /^[1-9](\d*)(\.[0-9]+)*$/.test(section)),
  );
const SECTIONS: Readonly<Record<string, ReadonlySet<string>>> = {
  '6886': sectionsOf(rows),
  '6887': sectionsOf(pcpRows),
};

cases(
  'every section cited in the code is one of RFC 6886 that docs/protocol.md has, or of RFC 6887 that docs/pcp.md has',
  ['caller', 'cli', 'config', 'frontend', 'helper', 'process', 'proto'].flatMap((part) =>
    readdirSync(join(PROJECT, part), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => ({ name: `${part}/${file}` })),
  ),
  ({ name }) => {
    // What a PCP client does is not the gateway's matter.
    if (name.startsWith('cli/client/pcp-')) return;
    const own = name.startsWith('frontend/pcp/') ? '6887' : '6886';
    for (const [whole, other = own, section = ''] of text(name).matchAll(/(?:RFC (\d+) )?§(\d+(?:\.\d+)*)/g)) {
      if (other !== own) continue;
      assert.ok(SECTIONS[own]?.has(section), `${whole}: no row is about it`);
    }
  },
);

// The schema, read as text: what has a name in it.
const schema = text('proto/helper.proto').replace(/\/\/.*$/gm, '');
const names = [
  ...[...schema.matchAll(/\b(?:message|enum) (\w+)/g)].map(([, name = '']) => name),
  ...[...schema.matchAll(/^\s*(?:repeated )?[\w.]+ (\w+) = \d+;/gm)].map(([, name = '']) => name),
  ...[...schema.matchAll(/^\s*([A-Z][A-Z_]+) = \d+;/gm)].map(([, name = '']) => name),
];
const headings = [...api.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
const mentioned = new Set([...inCode(api), ...headings].flatMap((code) => code.match(/\w+/g) ?? []));

cases(
  'docs/helper-api.md mentions',
  [...new Set(names)].map((name) => ({ name })),
  ({ name }) => {
    assert.ok(mentioned.has(name), 'as code, in `...`, or in a heading');
  },
);

claims('docs/helper-api.md', {
  'the schema was read': () => assert.ok(names.length > 70, `${names.length} names`),
  'the numbers of enums are those of the schema': () => {
    const { v1 } = natpmp.helper;
    const told = [...api.matchAll(/`(\w+)` = (\d+)/g), ...api.matchAll(/^\| `(REASON_\w+)` \| (\d+) \|/gm)];
    assert.ok(told.length > 18);
    const values: Readonly<Record<string, number | string>> = {
      ...v1.Protocol,
      ...v1.Origin,
      ...v1.Reason,
      ...v1.Event.Kind,
    };
    for (const [, name = '', number] of told) assert.is(values[name], Number(number), name);
  },
  'names only files that exist': () => {
    for (const path of inCode(api).filter((code) => /^(proto|test|docs)\/[^ ]*\.[a-z]+$/.test(code)))
      assert.ok(existsSync(join(PROJECT, path)), path);
  },
});

/** A fenced block by its first line; the rest of it. */
const blocks = (fence: RegExp): string[] =>
  api
    .split(/^```/m)
    .filter((block) => fence.test(block))
    .map((block) => block.replace(/^.*\n/, ''));
const examples = api
  .split(/^```/m)
  .flatMap((block) => {
    const [, kind] = /^hex (\w+)\n/.exec(block) ?? [];
    return kind === undefined ? [] : [{ kind, lines: block.trimEnd().split('\n').slice(1) }];
  })
  .map((example, index) => ({ ...example, name: `${index + 1}, ${example.kind}` }));

/**
 * "granted.internal_port" -> 8080, for every field of a decoded message that is not itself a message; repeated ones
 * without a number.
 */
function flat(message: object, path = ''): [string, number | string][] {
  return Object.entries(message).flatMap(([name, value]: [string, unknown]): [string, number | string][] => {
    const full = Array.isArray(message)
      ? path.slice(0, -1)
      : path + name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (value instanceof Uint8Array) return value.length > 0 ? [[full, hex(value)]] : [];
    if (typeof value === 'object' && value !== null) return flat(value, `${full}.`);
    return typeof value === 'number' || value === true ? [[full, Number(value)]] : [];
  });
}

cases('docs/helper-api.md, the bytes of', examples, ({ kind, lines }) => {
  const parsed = lines.map((line) => /^ *((?:[0-9a-f]{2} )*[0-9a-f]{2}) +(\S.*)$/.exec(line) ?? [line, '', '']);
  const frame = bytes(parsed.map(([, octets]) => octets).join(''));
  const isRequest = /^[A-Z]/.test(kind);

  // One wire form: what the text shows is what the codec writes.
  const request = isRequest ? decodeRequest(frame) : null;
  const response = isRequest ? null : decodeResponse(frame);
  assert.ok(request !== null || response !== null, 'it decodes');
  if (request !== null) assert.is(hex(encodeRequest(request.id, request.body, request.notAfter)), hex(frame));
  if (response !== null) assert.is(hex(encodeResponse(response.id, response.body)), hex(frame));

  const { v1 } = natpmp.helper;
  const message = isRequest ? v1.Request.decode(frame) : v1.Response.decode(frame);
  const told = parsed.flatMap(([, , note = '']) => {
    const [, name, value] = /^([a-z_.]+) = (\w+)/.exec(note) ?? [];
    return name === undefined
      ? []
      : [[name, name.endsWith('.address') || name.endsWith('.nonce') ? value : Number(value)] as const];
  });
  assert.equal(told, flat(message));
  for (const [, , note = ''] of parsed) {
    const [, value, name] = /= (\d+) \(([A-Z_]+)\)$/.exec(note) ?? [];
    const values: Readonly<Record<string, number | string>> = { ...v1.Protocol, ...v1.Reason, ...v1.Event.Kind };
    if (name !== undefined) assert.is(values[name], Number(value), note);
    const [, address, dotted = ''] = /= 0x([0-9a-f]{8}) \(([0-9.]+)\)$/.exec(note) ?? [];
    if (address !== undefined) assert.is(hex(Uint8Array.from(dotted.split('.').map(Number))), address);
  }
  // "17 bytes" is the length that the line's last octet says.
  for (const [, octets = '', note = ''] of parsed) {
    const [, length] = /, (\d+) bytes/.exec(note) ?? [];
    if (length !== undefined) assert.is(parseInt(octets.slice(-2), 16), Number(length));
  }
});

/** A helper with an empty table that grants everything. */
class GrantingHelper {
  readonly table: Lease[] = [];
  readonly #events: Event[] = [];

  handle(request: Request): Response {
    if (request.kind === 'list-mappings') return { kind: 'mapping-list', leases: this.table, next: 0 };
    if (request.kind !== 'add-mapping') return { kind: 'refused', reason: 'not-permitted' };
    const { kind: _, ...mapping } = request;
    const lease: Lease = { ...mapping, expiresAt: 1_000_000 };
    this.table.push(lease);
    this.#events.push({ kind: 'granted', lease });
    return { kind: 'granted', lease };
  }

  events(): readonly Event[] {
    return this.#events.splice(0);
  }
}

claims('docs/helper-api.md, the program in TypeScript', {
  'compiles, follows the table, and has its mapping': async () => {
    const folder = mkdtempSync(join(tmpdir(), 'natpmp-docs-'));
    atEnd(() => rmSync(folder, { recursive: true }));
    const [program = ''] = blocks(/^ts\n/);
    // Compiled against the sources, run against what they were compiled to.
    writeFileSync(join(folder, 'example.mts'), program.replaceAll("'./proto/", `'${PROJECT}/proto/`));
    const compiled = spawnSync(
      join(PROJECT, 'node_modules/.bin/tsc'),
      [
        '--target',
        'es2023',
        '--module',
        'nodenext',
        '--strict',
        '--noUncheckedIndexedAccess',
        '--exactOptionalPropertyTypes',
        '--noImplicitReturns',
        '--verbatimModuleSyntax',
        '--skipLibCheck',
        '--types',
        'node',
        '--typeRoots',
        join(PROJECT, 'node_modules/@types'),
        '--rootDir',
        '/',
        '--outDir',
        join(folder, 'out'),
        join(folder, 'example.mts'),
      ],
      { encoding: 'utf8', cwd: folder },
    );
    assert.is(compiled.stdout + compiled.stderr, '');
    const emitted = readFileSync(join(folder, 'out', folder, 'example.mjs'), 'utf8');
    writeFileSync(join(folder, 'example.mjs'), emitted.replaceAll(`'${PROJECT}/proto/`, `'${DIST}/proto/`));

    const path = join(folder, 'helper.sock');
    const fd = await openListener({ path, mode: 0o600, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
    const helper = new GrantingHelper();
    const server = new Server(
      {
        handle: (asked) => ({ responses: asked.map(({ request }) => helper.handle(request)), events: helper.events() }),
        heldBy: () => 0,
        watching: () => ({
          kind: 'watching',
          status: {
            epochStart: 0,
            mappings: 0,
            staticMappings: 0,
            maxMappings: 1,
            maxMappingsPerHost: 1,
            maxLifetime: 600,
            journalBytes: 0,
            kernelInStep: true,
            pid: 1,
            resynchronisations: 0,
            startedAt: 0,
            pinholes: 0,
            maxPinholes: 0,
            staticPinholes: 0,
          },
        }),
        onEvents() {},
        totals: new StatsRecorder(() => 0),
      },
      () => 0,
    );
    const broken = server.serve({ role: 'client', fd, uids: [] });

    const child = spawn(process.execPath, [join(folder, 'example.mjs'), path, '192.168.1.9'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    atEnd(() => {
      child.kill('SIGKILL');
    });
    const said: string[] = [];
    const listen = async () => {
      for await (const line of createInterface({ input: child.stdout })) if (said.push(line) === 3) break;
    };
    await Promise.race([listen(), broken]);
    assert.equal(said, [
      'following 0 mappings',
      'in force on external port 8080',
      'granted: tcp 8080 -> 192.168.1.9:8080',
    ]);
  },
});
