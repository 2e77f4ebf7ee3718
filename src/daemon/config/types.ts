import type { InvoiceEvent } from '../../actors/ports/invoiceEvents.ts';
import type { NodeId } from '../../domain/hash.ts';
import type { Network } from '../../lightning/networks.ts';
import type { Secret } from './secret.ts';

/** Everything that the configuration says, checked, with defaults filled in. Times are in milliseconds. */
export interface LnmuxConfig {
  readonly lnd: LndConfig;
  readonly db: DatabaseConfig;
  /** 32 bytes; a valid secp256k1 private key. */
  readonly identityKey: Secret<Uint8Array>;
  readonly autoSettle: boolean;
  readonly listenAddress: string;
  readonly api: ApiConfig;
  /** Metrics over HTTP. */
  readonly instrumentationAddress: string;
  /** Liveness and readiness over HTTP; with the metrics unless it says something else. */
  readonly healthAddress: string;
  /** Profiles over HTTP, on loopback; undefined: none. */
  readonly profilingAddress: string | undefined;
  readonly logging: LoggingConfig;
  readonly tracing: TracingConfig;
  readonly distributedLock: DistributedLockConfig;
  readonly routingPolicy: RoutingPolicyConfig;
  readonly routeHints: RouteHintsConfig;
  readonly acceptance: AcceptanceConfig;
  readonly limits: LimitsConfig;
  readonly webhooks: readonly WebhookConfig[];
  readonly retention: RetentionConfig;
}

/** Who may call the API, and how. Paths are absolute; undefined where not given. */
export interface ApiConfig {
  readonly tlsCertPath: string | undefined;
  readonly tlsKeyPath: string | undefined;
  /** The authorities of client certificates. */
  readonly clientCaPath: string | undefined;
  /** The list of tokens and their roles. */
  readonly accessPath: string | undefined;
  /** Plaintext also where other machines can reach it. */
  readonly allowPlaintext: boolean;
  /** AddInvoice and ListInvoices tell preimages, to those who may see them. */
  readonly returnPreimage: boolean;
}

export interface LndConfig {
  readonly network: Network;
  readonly nodes: readonly LndNodeConfig[];
  /** Nodes with an older lnd are not used. */
  readonly minVersion: string;
}

export interface LndNodeConfig {
  /** For people: logs and metrics. The first 10 digits of the key unless given. */
  readonly name: string;
  readonly pubKey: NodeId;
  /** host:port of lnd's gRPC. */
  readonly lndUrl: string;
  readonly macaroonPath: string;
  readonly tlsCertPath: string;
  /** Order of the route hints, higher first. */
  readonly priority: number;
}

export interface DatabaseConfig {
  /** Absent: the embedded PostgreSQL in dataDir. */
  readonly dsn: Secret<string> | undefined;
  /** Absolute. Used without a dsn only. */
  readonly dataDir: string;
  readonly poolSize: number;
  readonly minIdleConns: number;
  /** Undefined: for ever. */
  readonly maxConnAgeMs: number | undefined;
  readonly poolTimeoutMs: number;
  /** Undefined: for ever. */
  readonly idleTimeoutMs: number | undefined;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface LoggingConfig {
  readonly level: LogLevel;
  /** auto: for people on a terminal, JSON otherwise. */
  readonly format: 'auto' | 'console' | 'json';
  readonly withCaller: boolean;
  readonly grpcLogging: boolean;
}

export interface TracingConfig {
  /** Where spans go; undefined: nothing is traced. */
  readonly otlpEndpoint: string | undefined;
  /** Of payments. */
  readonly samplePercent: number;
}

export interface DistributedLockConfig {
  /** Undefined: no Kubernetes Lease. */
  readonly name: string | undefined;
  readonly namespace: string;
  /** Undefined: one is made up. */
  readonly id: string | undefined;
  readonly devKubeConfig: string | undefined;
}

export interface RoutingPolicyConfig {
  readonly cltvDelta: number;
  readonly feeBaseMsat: bigint;
  readonly feeRatePpm: bigint;
  /** What invoices that are still open may name, in no order. */
  readonly previous: readonly PreviousPolicyConfig[];
}

export interface PreviousPolicyConfig extends Omit<RoutingPolicyConfig, 'previous'> {
  /** Unix milliseconds from which it is not accepted any more. */
  readonly until: number;
}

export interface RouteHintsConfig {
  /** healthy: nodes that can take a payment now. all: every one that is not drained. */
  readonly rule: 'healthy' | 'all';
  /** Most hints in an invoice. */
  readonly max: number;
}

export interface AcceptanceConfig {
  /** The Go program's rule: a set must pay the invoice amount to the millisatoshi. */
  readonly exactAmount: boolean;
  readonly holdTimeoutMs: number;
  readonly acceptTimeoutMs: number;
  readonly subscriberGraceMs: number;
  /** Blocks. */
  readonly deadlineMargin: number;
  readonly cltvRejectDelta: number;
  readonly maxCltvDelta: number;
}

/** Where to tell what becomes of invoices. */
export interface WebhookConfig {
  /** Its place among the events is remembered under this name. */
  readonly name: string;
  /** Never log it: many services put a token into the path. */
  readonly url: Secret<string>;
  /** Signs what is sent. */
  readonly secret: Secret<string>;
  /** What it is told. */
  readonly events: ReadonlySet<InvoiceEvent['type']>;
}

export interface RetentionConfig {
  /** How old lines of the events table become; undefined: they are kept for ever. */
  readonly eventsMs: number | undefined;
}

export interface LimitsConfig {
  readonly maxPartsPerSet: number;
  readonly maxHeldHtlcsPerNode: number;
  readonly maxHeldHtlcs: number;
  readonly maxListedInvoices: number;
  readonly maxSubscribers: number;
  readonly maxInvoiceStreams: number;
  readonly maxEventStreams: number;
  readonly maxWaits: number;
}
