// The error codes of UPnP that actions end with (UPnP Device Architecture 1.0 §3.2.2; WANIPConnection:1 §2.4; those from
// 726 on are of version 2, for cases in which the table of version 1 has no code).

export const FAULT = {
  INVALID_ACTION: 401,
  INVALID_ARGS: 402,
  ACTION_FAILED: 501,
  NOT_IMPLEMENTED: 602,
  NOT_AUTHORIZED: 606,
  CONNECTION_SETUP_FAILED: 704,
  ARRAY_INDEX_INVALID: 713,
  NO_SUCH_ENTRY: 714,
  WILDCARD_IN_EXTERNAL_PORT: 716,
  /** Clients then try another external port. So this is for all that another port may help with. */
  CONFLICT: 718,
  REMOTE_HOST_ONLY_WILDCARD: 726,
  NO_PORT_MAPS_AVAILABLE: 728,
} as const;

export type FaultCode = (typeof FAULT)[keyof typeof FAULT];
