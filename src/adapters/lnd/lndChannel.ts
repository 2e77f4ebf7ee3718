import type { ChannelOptions } from '@grpc/grpc-js';

/** Limits of the transport to one lnd. */
export interface LndChannelLimits {
  /** Longest wait for the answer to one call. Streams have no such limit. */
  readonly unaryDeadlineMs: number;
  /** Pause between two HTTP/2 pings; lnd takes offence below 5 s. */
  readonly keepaliveMs: number;
  /** A ping without an answer for this long ends the connection. */
  readonly keepaliveTimeoutMs: number;
  readonly maxReceiveBytes: number;
}

export const DEFAULT_LND_CHANNEL_LIMITS: LndChannelLimits = {
  unaryDeadlineMs: 60_000,
  keepaliveMs: 20_000,
  keepaliveTimeoutMs: 10_000,
  maxReceiveBytes: 50 * 1024 * 1024,
};

/** lnd's server counts pings that come faster as abuse (config.go: clientpingminwait). */
export const MIN_KEEPALIVE_MS = 5_000;

/**
 * Every connection has a socket of its own, so that closing it closes everything, and new credentials are used.
 * grpc-js retries nothing: the node link decides what comes next.
 */
export function channelOptions(limits: LndChannelLimits): ChannelOptions {
  return {
    'grpc.keepalive_time_ms': Math.max(limits.keepaliveMs, MIN_KEEPALIVE_MS),
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
    'grpc.keepalive_permit_without_calls': 0,
    'grpc.max_receive_message_length': limits.maxReceiveBytes,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
  };
}
