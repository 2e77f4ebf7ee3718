import { DEFAULT_GRPC_LIMITS } from '../../adapters/grpc/limits.ts';
import { isLoopback, parseHostPort } from '../../adapters/net/address.ts';
import { nearest } from '../nearest.ts';
import { shown } from './problem.ts';
import type { Section } from './section.ts';
import type {
  AcceptanceConfig,
  DistributedLockConfig,
  LimitsConfig,
  LoggingConfig,
  LogLevel,
} from './types.ts';

export const LOCK_ID_VARIABLE = 'LNMUX_DISTRIBUTEDLOCK_ID';

/** The Go program's names of levels, in any case. Its three kinds of panic are one here. */
const LEVELS = new Map<string, LogLevel>(
  Object.entries({
    '': 'debug',
    d: 'debug',
    debug: 'debug',
    i: 'info',
    info: 'info',
    w: 'warn',
    warn: 'warn',
    warning: 'warn',
    e: 'error',
    error: 'error',
    errors: 'error',
    dp: 'fatal',
    dpanic: 'fatal',
    p: 'fatal',
    panic: 'fatal',
    panics: 'fatal',
    f: 'fatal',
    fatal: 'fatal',
    fatals: 'fatal',
  } as const),
);

export function readLogging(section: Section): LoggingConfig {
  const levelText = section.text('level', 'debug');
  const level = LEVELS.get(levelText.toLowerCase());
  if (level === undefined) {
    section.problem('level', `unknown level ${shown(levelText)}; write debug, info, warn, error or fatal`);
  }
  const formatText = section.text('format', '');
  const format = formatText === '' ? 'auto' : formatText;
  if (format !== 'auto' && format !== 'console' && format !== 'json') {
    const meant = nearest(format, ['console', 'json']);
    const advice = meant === undefined ? 'console, json, or nothing to choose by the output' : meant;
    section.problem('format', `unknown format ${shown(formatText)}; write ${advice}`);
  }
  const payloads = section.boolean('grpcPayloadLogging', false);
  if (payloads) {
    section.warning(
      'grpcPayloadLogging',
      'messages are not logged, they hold preimages; calls are (grpcLogging)',
    );
  }
  const config: LoggingConfig = {
    level: level ?? 'debug',
    format: format === 'console' || format === 'json' ? format : 'auto',
    withCaller: section.boolean('withCaller', false),
    grpcLogging: section.boolean('grpcLogging', false) || payloads,
  };
  section.finish();
  return config;
}

export function readAddress(root: Section, name: string, fallback: string): string {
  const text = root.text(name, fallback);
  if (text === '') return fallback;
  if (parseHostPort(text) === undefined) {
    root.problem(name, `${shown(text)} is not host:port; write one such as ${fallback}`);
    return fallback;
  }
  return text;
}

/** Whoever reaches it can read the memory of the process: on this machine only. */
export function readProfilingAddress(root: Section): string | undefined {
  if (!root.text('profilingAddress')) return undefined;
  const address = readAddress(root, 'profilingAddress', 'localhost:6060');
  if (isLoopback(parseHostPort(address)!.host)) return address;
  root.problem(
    'profilingAddress',
    'profiles show memory, so only this machine may ask; write localhost:6060',
  );
  return undefined;
}

export function readLock(section: Section, env: NodeJS.ProcessEnv): DistributedLockConfig {
  const text = (name: string) => section.text(name) || undefined;
  const idFromFile = section.unnoted('id') || undefined;
  const idFromEnv = env[LOCK_ID_VARIABLE];
  if (idFromEnv !== undefined) section.overridden('id', idFromEnv, LOCK_ID_VARIABLE);
  const config: DistributedLockConfig = {
    name: text('name'),
    namespace: text('namespace') ?? '',
    id: (idFromEnv ?? text('id')) || undefined,
    devKubeConfig: text('devKubeConfig'),
  };
  if (config.name !== undefined && config.namespace === '') {
    section.problem('namespace', 'missing; write the Kubernetes namespace of the Lease');
  }
  if (config.name === undefined && (config.namespace !== '' || idFromFile !== undefined)) {
    section.warning('name', 'missing, so no Lease is used; write its name, or remove the block');
  }
  section.finish();
  return config;
}

const HOUR_MS = 3_600_000;

/** The final CLTV delta that every invoice asks for; a reject delta of this or more would refuse every payment. */
const INVOICE_CLTV_DELTA = 40;

export function readAcceptance(root: Section): AcceptanceConfig {
  const config: AcceptanceConfig = {
    exactAmount: root.boolean('exactAmount', false),
    holdTimeoutMs: root.duration('holdTimeout', { fallbackMs: 60_000, minMs: 1_000, maxMs: HOUR_MS }),
    acceptTimeoutMs: root.duration('acceptTimeout', {
      fallbackMs: 60_000,
      minMs: 1_000,
      maxMs: 24 * HOUR_MS,
    }),
    subscriberGraceMs: root.duration('subscriberGrace', { fallbackMs: 30_000, minMs: 0, maxMs: HOUR_MS }),
    deadlineMargin: root.integer('deadlineMargin', { fallback: 6, min: 1, max: 20 }),
    cltvRejectDelta: root.integer('cltvRejectDelta', { fallback: 10, min: 1, max: INVOICE_CLTV_DELTA - 1 }),
    maxCltvDelta: root.integer('maxCltvDelta', { fallback: 2_016, min: 144, max: 100_000 }),
  };
  if (config.holdTimeoutMs < 60_000) {
    root.warning('holdTimeout', 'BOLT 4 recommends at least 1m for the parts of a payment to come together');
  }
  return config;
}

/** A channel carries at most 483 HTLCs each way; no sane payment has more parts. */
const MAX_PARTS_PER_SET = 483;

export function readLimits(section: Section): LimitsConfig {
  const limit = (name: string, fallback: number, max: number) =>
    section.integer(name, { fallback, min: 1, max });
  const config: LimitsConfig = {
    maxPartsPerSet: limit('maxPartsPerSet', MAX_PARTS_PER_SET, 10_000),
    maxHeldHtlcsPerNode: limit('maxHeldHtlcsPerNode', 20_000, 1_000_000),
    maxHeldHtlcs: limit('maxHeldHtlcs', 100_000, 10_000_000),
    maxListedInvoices: limit('maxListedInvoices', DEFAULT_GRPC_LIMITS.maxListedInvoices, 40_000),
    maxSubscribers: limit('maxSubscribers', DEFAULT_GRPC_LIMITS.maxSubscribers, 100_000),
    maxInvoiceStreams: limit('maxInvoiceStreams', DEFAULT_GRPC_LIMITS.maxInvoiceStreams, 1_000_000),
    maxEventStreams: limit('maxEventStreams', DEFAULT_GRPC_LIMITS.maxEventStreams, 1_000),
    maxWaits: limit('maxWaits', DEFAULT_GRPC_LIMITS.maxWaits, 10_000_000),
  };
  section.finish();
  return config;
}
