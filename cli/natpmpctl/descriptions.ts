// What natpmp-upnp tells on a socket file beside the helper's: what programs say about their mappings when they ask by
// UPnP, which it keeps in memory, and what LAN hosts are told of the device.

import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { plainText } from '../../caller/plain-text.js';
import type { Lease, Pinhole } from '../../proto/mapping.js';
import { isPort } from '../../proto/mapping.js';
import { TOOL } from '../../proto/tools.js';

/** By protocol and external port: "tcp 8080". */
export type Descriptions = ReadonlyMap<string, string>;

/** What LAN hosts are told by one natpmp-upnp (upnp/device-report.ts). */
export interface Device {
  readonly lans: readonly {
    readonly interface: string;
    /** Of the description; null if a search finds none. */
    readonly location: string | null;
    /** Searches by multicast arrive. */
    readonly joined: boolean;
  }[];
  /** Of the connection: "Connected". */
  readonly status: string | null;
  readonly externalAddress: string | null;
}

export const NO_DESCRIPTIONS: Descriptions = new Map();

/** upnp.sock of natpmp-server, upnp-LAN.sock of the units. */
const SOCKET_NAME = /^upnp(?:-.+)?\.sock$/;
const TIMEOUT_MS = 1000;
// natpmp-upnp reads what LAN hosts send, and may have been taken over: what it tells is bounded and checked here again.
/** Of an answer: more than all mappings with common descriptions. */
const MAX_BYTES = 16 << 20;
/** Of an answer: as many mappings as there can be. */
const MAX_MAPPINGS = 129_024;
/** Of a description, in characters, as natpmp-upnp keeps it; and what is looked at for them, in units of UTF-16. */
const MAX_CHARACTERS = 64;
const MAX_UNITS = 1024;
/** Of what is told of the device, in characters; and how many LANs it may have. */
const MAX_TEXT = 100;
const MAX_LANS = 256;

/**
 * The descriptions of the mappings that were made by UPnP. Never rejects: without them a list is complete all the same.
 *
 * @param helperSocket The path of a socket of the helper.
 */
export async function readDescriptions(helperSocket: string): Promise<Descriptions> {
  return new Map((await readAnswers(helperSocket)).flatMap(descriptionsIn));
}

/** The same for what LAN hosts are told of the device, of each natpmp-upnp that answers. Never rejects. */
export async function readDevices(helperSocket: string): Promise<readonly Device[]> {
  return (await readAnswers(helperSocket)).flatMap((text) => deviceIn(text) ?? []);
}

function readAnswers(helperSocket: string): Promise<readonly string[]> {
  return Promise.all(socketsBeside(helperSocket).map((path) => fetchMappings(path).catch(() => '')));
}

/** The description of a mapping; null if there is none. */
export function descriptionOf(listed: Lease | Pinhole, descriptions: Descriptions): string | null {
  // The mapping may have changed hands since the descriptions were read.
  if ('address' in listed || listed.tool !== TOOL.UPNP) return null;
  return descriptions.get(`${listed.protocol} ${listed.externalPort}`) ?? null;
}

/** What an answer of natpmp-upnp says, by protocol and external port. Pure, and total: nothing for what is no answer. */
export function descriptionsIn(text: string): readonly (readonly [string, string])[] {
  const { mappings } = fieldsOf(parsed(text));
  if (!Array.isArray(mappings)) return [];
  return mappings.slice(0, MAX_MAPPINGS).flatMap((each) => {
    const { protocol, externalPort, description } = fieldsOf(each);
    if (protocol !== 'tcp' && protocol !== 'udp') return [];
    if (typeof externalPort !== 'number' || !isPort(externalPort)) return [];
    const text = plainOf(description, MAX_CHARACTERS) ?? '';
    return text === '' ? [] : [[`${protocol} ${externalPort}`, text] as const];
  });
}

/** What natpmp-upnp says that LAN hosts are told. Pure, and total: null for what is no answer. */
export function deviceIn(text: string): Device | null {
  const { lans, status, externalAddress } = fieldsOf(fieldsOf(parsed(text))['device']);
  if (!Array.isArray(lans)) return null;
  return {
    lans: lans.slice(0, MAX_LANS).map((each) => {
      const { interface: name, location, joined } = fieldsOf(each);
      return {
        interface: plainOf(name, MAX_TEXT) ?? '',
        location: plainOf(location, MAX_TEXT),
        joined: joined === true,
      };
    }),
    status: plainOf(status, MAX_TEXT),
    externalAddress: plainOf(externalAddress, MAX_TEXT),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function plainOf(value: unknown, most: number): string | null {
  return typeof value === 'string' ? plainText(value.slice(0, MAX_UNITS), most) : null;
}

function socketsBeside(helperSocket: string): readonly string[] {
  const folder = dirname(helperSocket);
  try {
    return readdirSync(folder)
      .filter((name) => SOCKET_NAME.test(name))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function fetchMappings(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/mappings', headers: { Host: 'localhost' } }, (answer) => {
      if (answer.statusCode !== 200) asked.destroy(new Error(`status ${answer.statusCode}`));
      const parts: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > MAX_BYTES) asked.destroy(new Error('too long'));
        else parts.push(part);
      });
      answer.on('end', () => resolve(Buffer.concat(parts).toString('utf8')));
      answer.on('error', reject);
    });
    const timer = setTimeout(() => asked.destroy(new Error('no answer in time')), TIMEOUT_MS);
    asked.on('close', () => clearTimeout(timer));
    asked.on('error', reject);
    asked.end();
  });
}
