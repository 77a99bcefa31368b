// The documents of the device: its description and one of each service (UPnP Device Architecture 1.0 §2). Built once;
// nothing in them comes from a caller.

import { createHash } from 'node:crypto';
import type { Identity } from './identity.js';
import type { Action, Argument, Service, ServiceName, Variable } from './services.js';
import { SERVICES } from './services.js';
import { escapeXml } from './values.js';

export const DESCRIPTION_PATH = '/igd.xml';

const NAMES = Object.keys(SERVICES) as readonly ServiceName[];

/** The service of each control URL. They begin with a slash, as libtorrent and libplum want it. */
export const CONTROL_PATHS: ReadonlyMap<string, ServiceName> = new Map(
  NAMES.map((name) => [`/control/${name}`, name] as const),
);

const DECLARATION = '<?xml version="1.0"?>\r\n';
const SPEC_VERSION = '<specVersion><major>1</major><minor>0</minor></specVersion>';

/**
 * All documents by their paths: the description at DESCRIPTION_PATH, and the services' where it says.
 *
 * @param version Of this program.
 */
export function documentsOf(identity: Identity, version: string): ReadonlyMap<string, string> {
  return new Map([
    [DESCRIPTION_PATH, deviceDescription(identity, version)],
    ...NAMES.map((name) => [scpdPath(name), serviceDescription(SERVICES[name])] as const),
  ]);
}

/** CONFIGID.UPNP.ORG (UPnP Device Architecture 1.1 §1.2.2): a number below 2^24, another one if a document changes. */
export function configIdOf(documents: ReadonlyMap<string, string>): number {
  const hash = createHash('sha256');
  for (const [path, text] of documents) hash.update(`${path}\0${text}\0`);
  return hash.digest().readUIntBE(0, 3);
}

function scpdPath(name: ServiceName): string {
  return `/scpd/${name}.xml`;
}

/** Clients walk exactly this nesting; miniupnpc maps nothing without WANCommonInterfaceConfig. */
function deviceDescription(identity: Identity, version: string): string {
  const device = (type: string, udn: string, service: ServiceName, inner = ''): string =>
    element(
      'device',
      text('deviceType', `urn:schemas-upnp-org:device:${type}:1`) +
        text('friendlyName', 'natpmp-server') +
        text('manufacturer', 'natpmp-server') +
        text('modelDescription', 'Internet gateway') +
        text('modelName', 'natpmp-server') +
        text('modelNumber', version) +
        text('UDN', udn) +
        element('serviceList', serviceEntry(service)) +
        (inner === '' ? '' : element('deviceList', inner)),
    );
  const connection = device('WANConnectionDevice', identity.connection, 'WANIPConnection');
  const wan = device('WANDevice', identity.wan, 'WANCommonInterfaceConfig', connection);
  // Windows XP wants a service in the root device, too.
  const root = device('InternetGatewayDevice', identity.root, 'Layer3Forwarding', wan);
  return `${DECLARATION}<root xmlns="urn:schemas-upnp-org:device-1-0">${SPEC_VERSION}${root}</root>\r\n`;
}

function serviceEntry(name: ServiceName): string {
  const { type, id } = SERVICES[name];
  return element(
    'service',
    text('serviceType', type) +
      text('serviceId', id) +
      text('SCPDURL', scpdPath(name)) +
      text('controlURL', `/control/${name}`) +
      text('eventSubURL', `/event/${name}`),
  );
}

function serviceDescription({ actions, variables }: Service): string {
  return (
    `${DECLARATION}<scpd xmlns="urn:schemas-upnp-org:service-1-0">${SPEC_VERSION}` +
    element('actionList', actions.map(actionEntry).join('')) +
    element('serviceStateTable', variables.map(variableEntry).join('')) +
    '</scpd>\r\n'
  );
}

function actionEntry(action: Action): string {
  const all = [
    ...action.in.map((argument) => argumentEntry(argument, 'in')),
    ...action.out.map((argument) => argumentEntry(argument, 'out')),
  ];
  return element('action', text('name', action.name) + (all.length === 0 ? '' : element('argumentList', all.join(''))));
}

function argumentEntry({ name, variable }: Argument, direction: 'in' | 'out'): string {
  return element(
    'argument',
    text('name', name) + text('direction', direction) + text('relatedStateVariable', variable),
  );
}

/** No variable sends events, because SUBSCRIBE is refused: Windows XP would wait for them. */
function variableEntry({ name, type, allowed }: Variable): string {
  const values = allowed === undefined ? '' : allowed.map((value) => text('allowedValue', value)).join('');
  return (
    '<stateVariable sendEvents="no">' +
    text('name', name) +
    text('dataType', type) +
    (values === '' ? '' : element('allowedValueList', values)) +
    '</stateVariable>'
  );
}

function element(name: string, inner: string): string {
  return `<${name}>${inner}</${name}>`;
}

function text(name: string, value: string): string {
  return element(name, escapeXml(value));
}
