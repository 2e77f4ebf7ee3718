import type { CoreMeasures } from '../../actors/measures/coreMeasures.ts';
import type { WebhookMeasures } from '../../actors/measures/webhookMeasures.ts';
import type { LiveNodeLink } from '../../actors/nodeLink/nodeLinkConfig.ts';
import type { NodeLinkState } from '../../actors/nodeLink/status.ts';
import type { Supervisor } from '../../actors/supervisor/supervisor.ts';
import type { LimitsConfig } from '../config/types.ts';

export interface NamedLink {
  readonly name: string;
  readonly link: LiveNodeLink;
}

/** What the metrics are about. Parts of the daemon are put here as they come up; a standby has none of them. */
export interface Subjects {
  readonly measures: CoreMeasures;
  readonly webhooks: WebhookMeasures;
  readonly limits: LimitsConfig;
  readonly autoSettle: boolean;
  supervisor: Supervisor | undefined;
  links: readonly NamedLink[];
  /** Of the lead; 0 without it. */
  epoch: bigint;
}

/** Whether HTLCs of a node are being intercepted. */
export const isIntercepting = (state: NodeLinkState) => state === 'connected' || state === 'draining';
