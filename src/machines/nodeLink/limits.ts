/** Every wait of a node link, in milliseconds unless its name says otherwise. All are configurable. */
export interface NodeLinkLimits {
  /** Longest wait for the version and info of a node. Above the client's own limit on one call. */
  readonly validationMs: number;
  /** Longest wait for lnd's confirmation of the HTLC event subscription. lnd sends it at once. */
  readonly subscriptionMs: number;
  /** Longest wait for the first block height; lnd sends its tip at once. */
  readonly initialHeightMs: number;
  /** lnd never confirms an interceptor. One that lives this long was not refused for the slot being taken. */
  readonly interceptorGraceMs: number;
  /** Without a block for this long the node can't be trusted to know the height. Mainnet exceeds 60 min rarely. */
  readonly blockSilenceMs: number;
  /** Pause between two looks at synced_to_chain, and the shorter one while the node is not synced. */
  readonly syncCheckMs: number;
  readonly unsyncedCheckMs: number;
  /** Pause between two look-ups of everything unresolved: a final event may have been lost. */
  readonly relookupMs: number;
  /** A connection that lived this long starts the backoff anew. */
  readonly stableMs: number;
  /** Backoff: the first pause, doubled with every failure up to the longest, spread by a quarter either way. */
  readonly backoffFirstMs: number;
  readonly backoffLongestMs: number;
  /** Pause while another client has the interceptor slot. lnd frees a dead client's slot after 80 s. */
  readonly slotRetryMs: number;
  /** Pause before a node that is misconfigured is looked at again. */
  readonly refusedRetryMs: number;
}

export const DEFAULT_NODE_LINK_LIMITS: NodeLinkLimits = {
  validationMs: 130_000,
  subscriptionMs: 10_000,
  initialHeightMs: 10_000,
  interceptorGraceMs: 500,
  blockSilenceMs: 60 * 60_000,
  syncCheckMs: 60_000,
  unsyncedCheckMs: 10_000,
  relookupMs: 10 * 60_000,
  stableMs: 10_000,
  backoffFirstMs: 1_000,
  backoffLongestMs: 10_000,
  slotRetryMs: 5_000,
  refusedRetryMs: 30_000,
};

/** A pause spread by a quarter either way, so that nodes lost together don't come back together. */
export function spreadMs(pauseMs: number, jitter: number): number {
  return Math.round(pauseMs * (0.75 + jitter / 2));
}

/** The pause after the `failures`th failure in a row (from 1); `jitter` is in [0, 1). */
export function backoffMs(failures: number, jitter: number, limits: NodeLinkLimits): number {
  const doubled = limits.backoffFirstMs * 2 ** Math.min(Math.max(failures - 1, 0), 30);
  return spreadMs(Math.min(doubled, limits.backoffLongestMs), jitter);
}
