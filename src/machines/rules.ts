import type { AcceptanceRules } from '../domain/terms.ts';

/** All that the durable statecharts need of the operator's configuration. One object, shared by every actor. */
export interface LifecycleRules extends AcceptanceRules {
  /** How long an incomplete set is held; BOLT 4 asks for at least 60 s. Capped at the invoice's expiry. */
  readonly holdMs: number;
  /** How long the application has to decide on a complete set. */
  readonly acceptMs: number;
  /** Pause before a decision that certainly was not written is submitted again. */
  readonly commitRetryMs: number;
}
