// The tables against those of the specifications of version 1, written out again here in their words.

import * as assert from 'uvu/assert';
import type { ServiceName } from '../../upnp/igd/services.js';
import { SERVICES } from '../../upnp/igd/services.js';
import { cases, claims } from '../support/cases.js';

/** Actions as "name(in: variable, ...) -> out: variable, ...", and whether they are required. */
const MAPPING_KEY = 'NewRemoteHost: RemoteHost, NewExternalPort: ExternalPort, NewProtocol: PortMappingProtocol';
const MAPPING_CONTENT =
  'NewInternalPort: InternalPort, NewInternalClient: InternalClient, NewEnabled: PortMappingEnabled, ' +
  'NewPortMappingDescription: PortMappingDescription, NewLeaseDuration: PortMappingLeaseDuration';

interface ServiceRow {
  readonly name: ServiceName;
  readonly type: string;
  readonly id: string;
  readonly actions: readonly string[];
  readonly types: Readonly<Record<string, string>>;
}

cases<ServiceRow>(
  'U-25 the actions of version 1, with all arguments and their variables',
  [
    {
      name: 'WANIPConnection',
      type: 'urn:schemas-upnp-org:service:WANIPConnection:1',
      id: 'urn:upnp-org:serviceId:WANIPConn1',
      actions: [
        'SetConnectionType(NewConnectionType: ConnectionType) -> ',
        'GetConnectionTypeInfo() -> NewConnectionType: ConnectionType, NewPossibleConnectionTypes: PossibleConnectionTypes',
        'RequestConnection() -> ',
        'ForceTermination() -> ',
        'GetStatusInfo() -> NewConnectionStatus: ConnectionStatus, NewLastConnectionError: LastConnectionError, NewUptime: Uptime',
        'GetNATRSIPStatus() -> NewRSIPAvailable: RSIPAvailable, NewNATEnabled: NATEnabled',
        `GetGenericPortMappingEntry(NewPortMappingIndex: PortMappingNumberOfEntries) -> ${MAPPING_KEY}, ${MAPPING_CONTENT}`,
        `GetSpecificPortMappingEntry(${MAPPING_KEY}) -> ${MAPPING_CONTENT}`,
        `AddPortMapping(${MAPPING_KEY}, ${MAPPING_CONTENT}) -> `,
        `DeletePortMapping(${MAPPING_KEY}) -> `,
        'GetExternalIPAddress() -> NewExternalIPAddress: ExternalIPAddress',
      ],
      types: {
        ConnectionType: 'string',
        PossibleConnectionTypes: 'string Unconfigured IP_Routed IP_Bridged',
        ConnectionStatus: 'string Unconfigured Connected Disconnected',
        Uptime: 'ui4',
        LastConnectionError: 'string ERROR_NONE',
        RSIPAvailable: 'boolean',
        NATEnabled: 'boolean',
        ExternalIPAddress: 'string',
        PortMappingNumberOfEntries: 'ui2',
        PortMappingEnabled: 'boolean',
        PortMappingLeaseDuration: 'ui4',
        RemoteHost: 'string',
        ExternalPort: 'ui2',
        InternalPort: 'ui2',
        PortMappingProtocol: 'string TCP UDP',
        InternalClient: 'string',
        PortMappingDescription: 'string',
      },
    },
    {
      name: 'WANCommonInterfaceConfig',
      type: 'urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1',
      id: 'urn:upnp-org:serviceId:WANCommonIFC1',
      actions: [
        'GetCommonLinkProperties() -> NewWANAccessType: WANAccessType, NewLayer1UpstreamMaxBitRate: Layer1UpstreamMaxBitRate, ' +
          'NewLayer1DownstreamMaxBitRate: Layer1DownstreamMaxBitRate, NewPhysicalLinkStatus: PhysicalLinkStatus',
        'GetTotalBytesSent() -> NewTotalBytesSent: TotalBytesSent',
        'GetTotalBytesReceived() -> NewTotalBytesReceived: TotalBytesReceived',
        'GetTotalPacketsSent() -> NewTotalPacketsSent: TotalPacketsSent',
        'GetTotalPacketsReceived() -> NewTotalPacketsReceived: TotalPacketsReceived',
      ],
      types: {
        WANAccessType: 'string DSL POTS Cable Ethernet',
        Layer1UpstreamMaxBitRate: 'ui4',
        Layer1DownstreamMaxBitRate: 'ui4',
        PhysicalLinkStatus: 'string Up Down',
        TotalBytesSent: 'ui4',
        TotalBytesReceived: 'ui4',
        TotalPacketsSent: 'ui4',
        TotalPacketsReceived: 'ui4',
      },
    },
    {
      name: 'Layer3Forwarding',
      type: 'urn:schemas-upnp-org:service:Layer3Forwarding:1',
      id: 'urn:upnp-org:serviceId:L3Forwarding1',
      actions: [
        'SetDefaultConnectionService(NewDefaultConnectionService: DefaultConnectionService) -> ',
        'GetDefaultConnectionService() -> NewDefaultConnectionService: DefaultConnectionService',
      ],
      types: { DefaultConnectionService: 'string' },
    },
  ],
  ({ name, type, id, actions, types }) => {
    const service = SERVICES[name];
    assert.equal([service.type, service.id], [type, id]);
    const list = (all: readonly { readonly name: string; readonly variable: string }[]): string =>
      all.map((argument) => `${argument.name}: ${argument.variable}`).join(', ');
    assert.equal(
      service.actions.map((action) => `${action.name}(${list(action.in)}) -> ${list(action.out)}`),
      actions,
    );
    assert.equal(
      Object.fromEntries(service.variables.map((each) => [each.name, [each.type, ...(each.allowed ?? [])].join(' ')])),
      types,
    );
  },
);

claims('U-25 the tables', {
  'have a variable for every argument, and none that nothing uses': () => {
    for (const { actions, variables } of Object.values(SERVICES)) {
      const used = new Set(actions.flatMap((action) => [...action.in, ...action.out].map(({ variable }) => variable)));
      assert.equal([...used].sort(), variables.map(({ name }) => name).sort());
    }
  },
  'have nothing of version 2, at which Windows and Xbox stop': () => {
    const text = JSON.stringify(SERVICES);
    for (const word of [
      'AddAny',
      'Range',
      'ListOf',
      'X_',
      'A_ARG',
      'SystemUpdateID',
      'PortMappingNumberOfEntriesX',
      ':2',
    ])
      assert.not.ok(text.includes(word), word);
  },
  'have no action twice': () => {
    for (const { actions, notOffered } of Object.values(SERVICES)) {
      const names = [...actions.map(({ name }) => name), ...notOffered];
      assert.is(new Set(names).size, names.length);
    }
  },
});
