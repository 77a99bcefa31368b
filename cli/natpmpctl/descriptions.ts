// What programs say about their mappings when they ask by UPnP: natpmp-upnp keeps it in memory and tells it on a socket file
// beside the helper's.

import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { TOOL } from '../../proto/tools.js';
import type { ListedLease, ListedPinhole } from '../../proto/codec.js';

/** By protocol and external port: "tcp 8080". */
export type Descriptions = ReadonlyMap<string, string>;

export const NO_DESCRIPTIONS: Descriptions = new Map();

/** upnp.sock of natpmp-server, upnp-LAN.sock of the units. */
const SOCKET_NAME = /^upnp(?:-.+)?\.sock$/;
const TIMEOUT_MS = 1000;
/** Every mapping with the longest description, in JSON. */
const MAX_BYTES = 64 << 20;

/**
 * The descriptions of the mappings that were made by UPnP. Never rejects: without them a list is complete all the same.
 *
 * @param helperSocket The path of a socket of the helper.
 */
export async function readDescriptions(helperSocket: string): Promise<Descriptions> {
  const texts = await Promise.all(socketsBeside(helperSocket).map((path) => fetchMappings(path).catch(() => '')));
  return new Map(texts.flatMap(descriptionsIn));
}

/** The description of a mapping; null if there is none. */
export function descriptionOf(listed: ListedLease | ListedPinhole, descriptions: Descriptions): string | null {
  // The mapping may have changed hands since the descriptions were read.
  if ('address' in listed || listed.tool !== TOOL.UPNP) return null;
  return descriptions.get(`${listed.protocol} ${listed.externalPort}`) ?? null;
}

/** What an answer of natpmp-upnp says, by protocol and external port. Pure, and total: nothing for what is no answer. */
export function descriptionsIn(text: string): readonly (readonly [string, string])[] {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return [];
  }
  const { mappings } = (answer ?? {}) as { readonly mappings?: unknown };
  if (!Array.isArray(mappings)) return [];
  return mappings.flatMap((each: Readonly<Record<string, unknown>> | null) => {
    const { protocol, externalPort, description } = each ?? {};
    if (typeof description !== 'string' || description === '') return [];
    return [[`${protocol} ${externalPort}`, description] as const];
  });
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
