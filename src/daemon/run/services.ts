import * as Context from 'effect/Context';
import type { ActorSystem } from '../../actors/actorSystem.ts';
import type { LiveNodeLink } from '../../actors/nodeLink/nodeLinkConfig.ts';
import type { NodeAdministration } from '../../actors/nodes/administration.ts';
import type { RouteHints } from '../../actors/nodes/routeHints.ts';
import type { Application } from '../../actors/ports/application.ts';
import type { OnionPeeler } from '../../actors/ports/onionPeeler.ts';
import type { PaymentObserver } from '../../actors/ports/paymentObserver.ts';
import type { RpcCounts } from '../../actors/ports/rpcCounts.ts';
import type { Supervisor } from '../../actors/supervisor/supervisor.ts';
import type { CallObserver } from '../../adapters/grpc/observer.ts';
import type { GrpcServer } from '../../adapters/grpc/server.ts';
import type { MetricsRegistry } from '../../adapters/http/metricsRegistry.ts';
import type { PostgresStore } from '../../adapters/postgres/decisionStore.ts';
import type { LnmuxConfig } from '../config/load.ts';
import type { ReadinessMonitor } from '../health/readiness.ts';
import type { Logger } from '../logging/logger.ts';
import type { Subjects } from '../metrics/subjects.ts';
import type { BackgroundJobs } from './backgroundJobs.ts';

/** What the daemon is told, and how it says that it can't go on. */
export class Settings extends Context.Service<
  Settings,
  {
    readonly config: LnmuxConfig;
    readonly log: Logger;
    /** Ends the daemon with a failure; the reason is one line for the operator. */
    readonly fatal: (reason: string) => void;
    /** Ends the process this moment, as a crash would: for when going on, even to the end, could do harm. */
    readonly abandon: (reason: string) => never;
  }
>()('lnmux/Settings') {}

/** Where the parts of the daemon show how they are. */
export class Instruments extends Context.Service<
  Instruments,
  {
    readonly metrics: MetricsRegistry;
    /** Follows payments, for traces. */
    readonly observer: PaymentObserver | undefined;
    readonly subjects: Subjects;
    readonly readiness: ReadinessMonitor;
    /** Counts the calls of our API. */
    readonly serverCalls: CallObserver;
    /** Counts the calls that we make to lnd. */
    readonly clientCalls: RpcCounts;
  }
>()('lnmux/Instruments') {}

export class Database extends Context.Service<Database, PostgresStore>()('lnmux/Database') {}

/** The Kubernetes Lease, if one is configured: whoever has this may stand for the lead. */
export class Candidacy extends Context.Service<Candidacy, { readonly by: 'lease' | 'database' }>()(
  'lnmux/Candidacy',
) {}

/** The lead, held: the epoch that goes into every deciding write. */
export class Lead extends Context.Service<Lead, { readonly epoch: bigint }>()('lnmux/Lead') {}

export class Peeler extends Context.Service<Peeler, OnionPeeler>()('lnmux/Peeler') {}

export class Core extends Context.Service<
  Core,
  {
    readonly supervisor: Supervisor;
    readonly application: Application;
    readonly system: ActorSystem;
    readonly hints: RouteHints;
    readonly administration: NodeAdministration;
  }
>()('lnmux/Core') {}

export class Links extends Context.Service<Links, readonly LiveNodeLink[]>()('lnmux/Links') {}

/** Webhooks and retention, where they are configured. */
export class Jobs extends Context.Service<Jobs, BackgroundJobs | undefined>()('lnmux/Jobs') {}

export class Api extends Context.Service<Api, GrpcServer>()('lnmux/Api') {}
