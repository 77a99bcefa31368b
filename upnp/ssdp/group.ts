// Where searches and announcements go: UPnP Device Architecture 1.1 §1.

/** 239.255.255.250, port 1900. */
export const GROUP = { address: 0xef_ff_ff_fa, port: 1900 } as const;
