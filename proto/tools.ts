// The tools that ask the helper for mappings, by their numbers in AddMapping. docs/helper-api.md lists them for others.

export const TOOL = { NATPMP: 0, UPNP: 1 } as const;

/** The name of a tool as users read it. */
export function toolName(tool: number | undefined): string {
  switch (tool ?? 0) {
    case TOOL.NATPMP:
      return 'NAT-PMP';
    case TOOL.UPNP:
      return 'UPnP';
    default:
      return `tool ${tool}`;
  }
}
