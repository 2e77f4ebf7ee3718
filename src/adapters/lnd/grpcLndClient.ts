import type { LndClient, LndConnection } from '../../actors/ports/lndClient.ts';
import { RpcCounts } from '../../actors/ports/rpcCounts.ts';
import { type LndCredentialPaths, readLndCredentials } from './credentials.ts';
import { GrpcLndConnection } from './grpcLndConnection.ts';
import { DEFAULT_LND_CHANNEL_LIMITS, type LndChannelLimits } from './lndChannel.ts';

export interface GrpcLndClientConfig extends LndCredentialPaths {
  /** host:port of lnd's gRPC listener. The certificate must be valid for this host. */
  readonly address: string;
  readonly limits?: Partial<LndChannelLimits>;
  /** Counts the calls. */
  readonly calls?: RpcCounts;
}

/** Reaches one lnd over TLS and gRPC. Files are read, and the socket opened, on each `connect` anew. */
export function createGrpcLndClient(config: GrpcLndClientConfig): LndClient {
  const calls = config.calls ?? new RpcCounts();
  const limits = { ...DEFAULT_LND_CHANNEL_LIMITS, ...config.limits };
  return {
    async connect(): Promise<LndConnection> {
      const credentials = await readLndCredentials(config);
      return new GrpcLndConnection(config.address, credentials, limits, calls);
    },
  };
}
