// The documents: the device's in literal bytes, and all of them as a strict parser with namespaces reads them.

import { SaxesParser } from 'saxes';
import * as assert from 'uvu/assert';
import { configIdOf, CONTROL_PATHS, DESCRIPTION_PATH, documentsOf } from '../../upnp/igd/description.js';
import type { Identity } from '../../upnp/igd/identity.js';
import type { ServiceName } from '../../upnp/igd/services.js';
import { SERVICES } from '../../upnp/igd/services.js';
import { cases, claims } from '../support/cases.js';

const IDENTITY: Identity = { root: 'uuid:1', wan: 'uuid:2', connection: 'uuid:3' };
const documents = documentsOf(IDENTITY, '1.2.3');

interface Element {
  readonly name: string;
  readonly namespace: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

function parse(text: string): Element {
  const parser = new SaxesParser({ xmlns: true });
  const root: Element = { name: '', namespace: '', attributes: {}, children: [], text: '' };
  const open = [root];
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', (tag) => {
    const attributes = Object.fromEntries(Object.values(tag.attributes).map(({ name, value }) => [name, value]));
    const element: Element = { name: tag.local, namespace: tag.uri, attributes, children: [], text: '' };
    open.at(-1)!.children.push(element);
    open.push(element);
  });
  parser.on('text', (piece) => {
    open.at(-1)!.text += piece;
  });
  parser.on('closetag', () => open.pop());
  parser.write(text).close();
  assert.is(root.children.length, 1);
  return root.children[0]!;
}

const child = (element: Element, ...path: string[]): Element =>
  path.reduce((at, name) => {
    const found = at.children.filter((each) => each.name === name);
    assert.is(found.length, 1, `${name} in ${at.name}`);
    return found[0]!;
  }, element);

const TEXTS =
  '<friendlyName>natpmp-server</friendlyName><manufacturer>natpmp-server</manufacturer>' +
  '<modelDescription>Internet gateway</modelDescription><modelName>natpmp-server</modelName>' +
  '<modelNumber>1.2.3</modelNumber>';

claims('U-26 the description', {
  'is this, byte for byte': () => {
    assert.is(
      documents.get('/igd.xml'),
      '<?xml version="1.0"?>\r\n<root xmlns="urn:schemas-upnp-org:device-1-0">' +
        '<specVersion><major>1</major><minor>0</minor></specVersion>' +
        '<device><deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType>' +
        `${TEXTS}<UDN>uuid:1</UDN>` +
        '<serviceList><service><serviceType>urn:schemas-upnp-org:service:Layer3Forwarding:1</serviceType>' +
        '<serviceId>urn:upnp-org:serviceId:L3Forwarding1</serviceId><SCPDURL>/scpd/Layer3Forwarding.xml</SCPDURL>' +
        '<controlURL>/control/Layer3Forwarding</controlURL><eventSubURL>/event/Layer3Forwarding</eventSubURL>' +
        '</service></serviceList>' +
        '<deviceList><device><deviceType>urn:schemas-upnp-org:device:WANDevice:1</deviceType>' +
        `${TEXTS}<UDN>uuid:2</UDN>` +
        '<serviceList><service><serviceType>urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1</serviceType>' +
        '<serviceId>urn:upnp-org:serviceId:WANCommonIFC1</serviceId>' +
        '<SCPDURL>/scpd/WANCommonInterfaceConfig.xml</SCPDURL>' +
        '<controlURL>/control/WANCommonInterfaceConfig</controlURL>' +
        '<eventSubURL>/event/WANCommonInterfaceConfig</eventSubURL></service></serviceList>' +
        '<deviceList><device><deviceType>urn:schemas-upnp-org:device:WANConnectionDevice:1</deviceType>' +
        `${TEXTS}<UDN>uuid:3</UDN>` +
        '<serviceList><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>' +
        '<serviceId>urn:upnp-org:serviceId:WANIPConn1</serviceId><SCPDURL>/scpd/WANIPConnection.xml</SCPDURL>' +
        '<controlURL>/control/WANIPConnection</controlURL><eventSubURL>/event/WANIPConnection</eventSubURL>' +
        '</service></serviceList></device></deviceList></device></deviceList></device></root>\r\n',
    );
  },
  'U-23 U-24 has a service in each device, in the nesting that clients walk': () => {
    const device = child(parse(documents.get(DESCRIPTION_PATH)!), 'device');
    const services = [
      device,
      child(device, 'deviceList', 'device'),
      child(device, 'deviceList', 'device', 'deviceList', 'device'),
    ].map((each) => child(each, 'serviceList', 'service', 'serviceType').text);
    assert.equal(services, [
      SERVICES.Layer3Forwarding.type,
      SERVICES.WANCommonInterfaceConfig.type,
      SERVICES.WANIPConnection.type,
    ]);
  },
  'names only documents that are there, and the control URLs that are answered': () => {
    const named: string[] = [];
    const controlled: string[] = [];
    const walk = ({ name, text, children }: Element): void => {
      if (name === 'SCPDURL') named.push(text);
      if (name === 'controlURL') controlled.push(text);
      children.forEach(walk);
    };
    walk(parse(documents.get(DESCRIPTION_PATH)!));
    assert.equal([...named, DESCRIPTION_PATH].sort(), [...documents.keys()].sort());
    assert.equal(controlled.sort(), [...CONTROL_PATHS.keys()].sort());
    assert.equal(
      [...CONTROL_PATHS].map(([path, name]) => [path, `/control/${name}`]),
      [...CONTROL_PATHS.keys()].map((path) => [path, path]),
    );
  },
  'has no serial number, icon, presentation or base URL': () => {
    const text = documents.get(DESCRIPTION_PATH)!;
    for (const name of ['serialNumber', 'iconList', 'presentationURL', 'URLBase', 'UPC', 'manufacturerURL'])
      assert.not.ok(text.includes(name), name);
  },
  'is well-formed whatever the version says': () => {
    const odd = documentsOf(IDENTITY, '1 <&>"\'\u0000').get(DESCRIPTION_PATH)!;
    assert.is(child(parse(odd), 'device', 'modelNumber').text, '1 <&>"\'');
  },
});

cases(
  'U-25 the description of a service',
  (Object.keys(SERVICES) as ServiceName[]).map((name) => ({ name })),
  ({ name }) => {
    const root = parse(documents.get(`/scpd/${name}.xml`)!);
    assert.equal([root.name, root.namespace], ['scpd', 'urn:schemas-upnp-org:service-1-0']);
    assert.equal(
      child(root, 'specVersion').children.map((each) => `${each.name} ${each.text}`),
      ['major 1', 'minor 0'],
    );
    const actions = child(root, 'actionList').children.map((action) => ({
      name: child(action, 'name').text,
      arguments: (action.children[1]?.children ?? []).map((each) => each.children.map(({ text }) => text).join(' ')),
    }));
    assert.equal(
      actions,
      SERVICES[name].actions.map((action) => ({
        name: action.name,
        arguments: [
          ...action.in.map((each) => `${each.name} in ${each.variable}`),
          ...action.out.map((each) => `${each.name} out ${each.variable}`),
        ],
      })),
    );
    const variables = child(root, 'serviceStateTable').children.map((each) => ({
      events: each.attributes['sendEvents'],
      name: child(each, 'name').text,
      type: child(each, 'dataType').text,
      allowed: (each.children[2]?.children ?? []).map(({ text }) => text),
    }));
    assert.equal(
      variables,
      SERVICES[name].variables.map((each) => ({
        events: 'no',
        name: each.name,
        type: each.type,
        allowed: [...(each.allowed ?? [])],
      })),
    );
  },
);

claims("U-19 the configuration's number", {
  'has 24 bits, is the same for the same documents, and another one if any of them changes': () => {
    const before = configIdOf(documents);
    assert.ok(Number.isInteger(before) && before >= 0 && before < 2 ** 24);
    assert.is(configIdOf(documentsOf(IDENTITY, '1.2.3')), before);
    assert.is.not(configIdOf(documentsOf(IDENTITY, '1.2.4')), before);
    assert.is.not(configIdOf(documentsOf({ ...IDENTITY, wan: 'uuid:4' }, '1.2.3')), before);
    for (const path of documents.keys())
      assert.is.not(configIdOf(new Map([...documents, [path, `${documents.get(path)} `]])), before, path);
  },
});
