// What natpmp-upnp tells on a socket file beside the helper's, a line of JSON each: what programs say about their mappings
// when they ask by UPnP, which it keeps in memory, and what LAN hosts are told of the device.

import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { plainText } from '../../caller/plain-text.js';
import type { Lease, Pinhole } from '../../proto/mapping.js';
import { isPort } from '../../proto/mapping.js';
import { TOOL } from '../../proto/tools.js';
import { byLine } from '../host/log.js';

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
// natpmp-upnp reads what LAN hosts send, and may have been taken over: what it tells is bounded before it is parsed.
/** Of a description, in characters, as natpmp-upnp keeps it. */
const MAX_CHARACTERS = 64;
/** Of what is told of the device, in characters. */
const MAX_TEXT = 100;
/** Of a line. A mapping has 57 at most, and its description 4 for each character; a LAN has its name and a short URL. */
const MAX_LINE_BYTES = 512;
/** Of an answer: one line for each mapping that there can be and each LAN, and one for the device. */
const MAX_MAPPINGS = 129_024;
const MAX_LANS = 256;
const MAX_LINES = MAX_MAPPINGS + MAX_LANS + 1;

/** What one natpmp-upnp tells. */
export interface Told {
  readonly descriptions: Descriptions;
  /** Null if it could not be told. */
  readonly device: Device | null;
}

/**
 * The descriptions of the mappings that were made by UPnP. Never rejects: without them a list is complete all the same.
 *
 * @param helperSocket The path of a socket of the helper.
 */
export async function readDescriptions(helperSocket: string): Promise<Descriptions> {
  return new Map((await readAnswers(helperSocket)).flatMap(({ descriptions }) => [...descriptions]));
}

/** The same for what LAN hosts are told of the device, of each natpmp-upnp that answers. Never rejects. */
export async function readDevices(helperSocket: string): Promise<readonly Device[]> {
  return (await readAnswers(helperSocket)).flatMap(({ device }) => device ?? []);
}

async function readAnswers(helperSocket: string): Promise<readonly Told[]> {
  const answers = await Promise.all(socketsBeside(helperSocket).map((path) => fetchTold(path).catch(() => null)));
  return answers.filter((told) => told !== null);
}

/** The description of a mapping; null if there is none. */
export function descriptionOf(listed: Lease | Pinhole, descriptions: Descriptions): string | null {
  // The mapping may have changed hands since the descriptions were read.
  if ('address' in listed || listed.tool !== TOOL.UPNP) return null;
  return descriptions.get(`${listed.protocol} ${listed.externalPort}`) ?? null;
}

/**
 * Reads an answer piece by piece. `take` throws if it is none of natpmp-upnp: a line is too long or no JSON, or there are
 * more than there can be. Fields of other types, and lines of a later version, tell nothing.
 */
export function answerReader(): { take(piece: Buffer): void; told(): Told } {
  const descriptions = new Map<string, string>();
  const lans: Device['lans'][number][] = [];
  let connection: Omit<Device, 'lans'> | null = null;
  let lines = 0;
  const take = byLine((line) => {
    if (++lines > MAX_LINES) throw new Error('more lines than natpmp-upnp says');
    // A longer line was cut, and is no JSON any more.
    const fields = fieldsOf(JSON.parse(line));
    if ('protocol' in fields) {
      const { protocol, externalPort, description } = fields;
      if (protocol !== 'tcp' && protocol !== 'udp') return;
      if (typeof externalPort !== 'number' || !isPort(externalPort)) return;
      const text = plainOf(description, MAX_CHARACTERS) ?? '';
      if (text !== '') descriptions.set(`${protocol} ${externalPort}`, text);
    } else if ('interface' in fields) {
      const { interface: name, location, joined } = fields;
      if (lans.length === MAX_LANS) return;
      lans.push({
        interface: plainOf(name, MAX_TEXT) ?? '',
        location: plainOf(location, MAX_TEXT),
        joined: joined === true,
      });
    } else if ('status' in fields) {
      const { status, externalAddress } = fields;
      connection = { status: plainOf(status, MAX_TEXT), externalAddress: plainOf(externalAddress, MAX_TEXT) };
    }
  }, MAX_LINE_BYTES);
  return { take, told: () => ({ descriptions, device: connection === null ? null : { lans, ...connection } }) };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function plainOf(value: unknown, most: number): string | null {
  return typeof value === 'string' ? plainText(value, most) : null;
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

function fetchTold(socketPath: string): Promise<Told> {
  return new Promise((resolve, reject) => {
    const reader = answerReader();
    const asked = request({ socketPath, path: '/mappings', headers: { Host: 'localhost' } }, (answer) => {
      if (answer.statusCode !== 200) return void asked.destroy(new Error(`status ${answer.statusCode}`));
      answer.on('data', (piece: Buffer) => {
        try {
          reader.take(piece);
        } catch (error) {
          // At once: the end may have been read already.
          reject(error as Error);
          asked.destroy();
        }
      });
      answer.on('end', () => resolve(reader.told()));
      answer.on('error', reject);
    });
    const timer = setTimeout(() => asked.destroy(new Error('no answer in time')), TIMEOUT_MS);
    asked.on('close', () => clearTimeout(timer));
    asked.on('error', reject);
    asked.end();
  });
}
