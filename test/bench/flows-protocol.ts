// What the bench and its watchers of flows say to each other.

export type FlowJob =
  /** In the LAN: accept and answer at this endpoint. */
  | { readonly kind: 'serve'; readonly address: string; readonly port: number }
  /** Outside: connect to this endpoint again and again, and send to it, until `end`. */
  | { readonly kind: 'begin'; readonly address: string; readonly port: number }
  | { readonly kind: 'end' };

/** What was seen from outside, continuously. Times in milliseconds. */
export interface FlowFigures {
  /** New TCP connections, one after the other. */
  readonly attempts: number;
  /** Refused, reset, or not there within CONNECT_MS. */
  readonly failures: number;
  readonly longestConnect: number;
  /** The longest time from one connection that was made to the next. */
  readonly longestGap: number;
  /** Datagrams of one UDP flow that was there before, and those that were not answered. */
  readonly sent: number;
  readonly lost: number;
  /** The longest time from one answer to the next. */
  readonly longestSilence: number;
}

export type FlowReport = { readonly kind: 'ready' } | ({ readonly kind: 'figures' } & FlowFigures);
