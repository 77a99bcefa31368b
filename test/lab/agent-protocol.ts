// What the lab tells the agent that stands in a namespace, and what the agent reports. Numbers name sockets; the lab
// chooses them, so that nothing an agent reports can arrive before the lab knows whose it is.

export type Order =
  | {
      readonly kind: 'udp';
      readonly socket: number;
      readonly address: string;
      readonly port: number;
      /** Join this group on the interface that has this address. */
      readonly join?: { readonly group: string; readonly on: string };
      /** Connect: hear this peer only, and hear of ICMP errors. */
      readonly peer?: { readonly address: string; readonly port: number };
    }
  | {
      readonly kind: 'udp-send';
      readonly socket: number;
      readonly hex: string;
      readonly address?: string;
      readonly port?: number;
    }
  | { readonly kind: 'tcp-listen'; readonly socket: number; readonly address: string; readonly port: number }
  | {
      readonly kind: 'tcp-connect';
      readonly socket: number;
      readonly address: string;
      readonly port: number;
      readonly localAddress?: string;
      readonly localPort?: number;
      readonly withinMs: number;
    }
  | { readonly kind: 'tcp-send'; readonly socket: number; readonly text: string }
  | { readonly kind: 'close'; readonly socket: number };

export type Report =
  | { readonly kind: 'ready' }
  /** The socket stands, with this address of its own. */
  | { readonly kind: 'open'; readonly socket: number; readonly address: string; readonly port: number }
  /** It does not; `code` is the system's word for why: ECONNREFUSED, or ETIMEDOUT when `withinMs` have passed. */
  | { readonly kind: 'failed'; readonly socket: number; readonly code: string }
  | {
      readonly kind: 'datagram';
      readonly socket: number;
      readonly hex: string;
      readonly address: string;
      readonly port: number;
      readonly atMs: number;
    }
  | { readonly kind: 'udp-error'; readonly socket: number; readonly code: string }
  | {
      readonly kind: 'accepted';
      readonly socket: number;
      readonly connection: number;
      readonly address: string;
      readonly port: number;
    }
  | { readonly kind: 'text'; readonly socket: number; readonly text: string }
  /** The connection is over: 'closed' in order, or the system's word: ECONNRESET. */
  | { readonly kind: 'ended'; readonly socket: number; readonly how: string };
