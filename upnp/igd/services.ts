// The services of InternetGatewayDevice:1, with their actions and state variables: the tables that the service
// descriptions are made of, and that say what an action is (WANIPConnection:1, WANCommonInterfaceConfig:1 and
// Layer3Forwarding:1 of the UPnP Forum, November 2001).
//
// Nothing of version 2: Windows and Xbox stop at a service description that lists an action of it.

export type ServiceName = 'WANIPConnection' | 'WANCommonInterfaceConfig' | 'Layer3Forwarding';

export interface Argument {
  readonly name: string;
  /** The state variable whose type it has. */
  readonly variable: string;
}

export interface Action {
  readonly name: string;
  readonly in: readonly Argument[];
  readonly out: readonly Argument[];
}

export interface Variable {
  readonly name: string;
  readonly type: 'string' | 'boolean' | 'ui2' | 'ui4';
  /** Of a string: its values. */
  readonly allowed?: readonly string[];
}

export interface Service {
  readonly type: string;
  readonly id: string;
  /** Those that are carried out, all required ones among them. */
  readonly actions: readonly Action[];
  /** Optional actions of this version that are not carried out, and in no description: error 602. */
  readonly notOffered: readonly string[];
  readonly variables: readonly Variable[];
}

/** An argument is told by its name without "New", and by its variable if that has another name. */
function args(...names: readonly (string | readonly [name: string, variable: string])[]): readonly Argument[] {
  return names.map((each) => {
    const [name, variable] = typeof each === 'string' ? [each, each] : each;
    return { name: `New${name}`, variable };
  });
}

function action(name: string, given: readonly Argument[], out: readonly Argument[]): Action {
  return { name, in: given, out };
}

const NONE = args();
const PROTOCOL = ['Protocol', 'PortMappingProtocol'] as const;
/** What names a mapping. */
const KEY = ['RemoteHost', 'ExternalPort', PROTOCOL] as const;
/** What a mapping is besides. */
const CONTENT = [
  'InternalPort',
  'InternalClient',
  ['Enabled', 'PortMappingEnabled'],
  'PortMappingDescription',
  ['LeaseDuration', 'PortMappingLeaseDuration'],
] as const;

export const SERVICES: Readonly<Record<ServiceName, Service>> = {
  WANIPConnection: {
    type: 'urn:schemas-upnp-org:service:WANIPConnection:1',
    id: 'urn:upnp-org:serviceId:WANIPConn1',
    actions: [
      action('SetConnectionType', args('ConnectionType'), NONE),
      action('GetConnectionTypeInfo', NONE, args('ConnectionType', 'PossibleConnectionTypes')),
      action('RequestConnection', NONE, NONE),
      action('ForceTermination', NONE, NONE),
      action('GetStatusInfo', NONE, args('ConnectionStatus', 'LastConnectionError', 'Uptime')),
      action('GetNATRSIPStatus', NONE, args('RSIPAvailable', 'NATEnabled')),
      action(
        'GetGenericPortMappingEntry',
        args(['PortMappingIndex', 'PortMappingNumberOfEntries']),
        args(...KEY, ...CONTENT),
      ),
      action('GetSpecificPortMappingEntry', args(...KEY), args(...CONTENT)),
      action('AddPortMapping', args(...KEY, ...CONTENT), NONE),
      action('DeletePortMapping', args(...KEY), NONE),
      action('GetExternalIPAddress', NONE, args('ExternalIPAddress')),
    ],
    notOffered: [
      'RequestTermination',
      'SetAutoDisconnectTime',
      'SetIdleDisconnectTime',
      'SetWarnDisconnectDelay',
      'GetAutoDisconnectTime',
      'GetIdleDisconnectTime',
      'GetWarnDisconnectDelay',
    ],
    variables: [
      { name: 'ConnectionType', type: 'string' },
      { name: 'PossibleConnectionTypes', type: 'string', allowed: ['Unconfigured', 'IP_Routed', 'IP_Bridged'] },
      { name: 'ConnectionStatus', type: 'string', allowed: ['Unconfigured', 'Connected', 'Disconnected'] },
      { name: 'Uptime', type: 'ui4' },
      { name: 'LastConnectionError', type: 'string', allowed: ['ERROR_NONE'] },
      { name: 'RSIPAvailable', type: 'boolean' },
      { name: 'NATEnabled', type: 'boolean' },
      { name: 'ExternalIPAddress', type: 'string' },
      { name: 'PortMappingNumberOfEntries', type: 'ui2' },
      { name: 'PortMappingEnabled', type: 'boolean' },
      { name: 'PortMappingLeaseDuration', type: 'ui4' },
      { name: 'RemoteHost', type: 'string' },
      { name: 'ExternalPort', type: 'ui2' },
      { name: 'InternalPort', type: 'ui2' },
      { name: 'PortMappingProtocol', type: 'string', allowed: ['TCP', 'UDP'] },
      { name: 'InternalClient', type: 'string' },
      { name: 'PortMappingDescription', type: 'string' },
    ],
  },
  WANCommonInterfaceConfig: {
    type: 'urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1',
    id: 'urn:upnp-org:serviceId:WANCommonIFC1',
    actions: [
      action(
        'GetCommonLinkProperties',
        NONE,
        args('WANAccessType', 'Layer1UpstreamMaxBitRate', 'Layer1DownstreamMaxBitRate', 'PhysicalLinkStatus'),
      ),
      action('GetTotalBytesSent', NONE, args('TotalBytesSent')),
      action('GetTotalBytesReceived', NONE, args('TotalBytesReceived')),
      action('GetTotalPacketsSent', NONE, args('TotalPacketsSent')),
      action('GetTotalPacketsReceived', NONE, args('TotalPacketsReceived')),
    ],
    notOffered: [
      'SetEnabledForInternet',
      'GetEnabledForInternet',
      'GetWANAccessProvider',
      'GetMaximumActiveConnections',
      'GetActiveConnection',
    ],
    variables: [
      { name: 'WANAccessType', type: 'string', allowed: ['DSL', 'POTS', 'Cable', 'Ethernet'] },
      { name: 'Layer1UpstreamMaxBitRate', type: 'ui4' },
      { name: 'Layer1DownstreamMaxBitRate', type: 'ui4' },
      { name: 'PhysicalLinkStatus', type: 'string', allowed: ['Up', 'Down'] },
      { name: 'TotalBytesSent', type: 'ui4' },
      { name: 'TotalBytesReceived', type: 'ui4' },
      { name: 'TotalPacketsSent', type: 'ui4' },
      { name: 'TotalPacketsReceived', type: 'ui4' },
    ],
  },
  Layer3Forwarding: {
    type: 'urn:schemas-upnp-org:service:Layer3Forwarding:1',
    id: 'urn:upnp-org:serviceId:L3Forwarding1',
    actions: [
      action('SetDefaultConnectionService', args('DefaultConnectionService'), NONE),
      action('GetDefaultConnectionService', NONE, args('DefaultConnectionService')),
    ],
    notOffered: [],
    variables: [{ name: 'DefaultConnectionService', type: 'string' }],
  },
};
