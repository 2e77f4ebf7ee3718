/** What one request to the API server needs, as it is at this moment: tokens and authorities rotate. */
export interface ClusterCredentials {
  /** PEM: the only authorities that are trusted; undefined for those of the system. */
  readonly ca: string | undefined;
  /** Bearer token. Never logged. */
  readonly token: string | undefined;
  /** PEM of a client certificate, instead of a token or with it. */
  readonly clientCert: string | undefined;
  readonly clientKey: string | undefined;
}

/** Where the API server is, and who we are to it. */
export interface ClusterAccess {
  readonly host: string;
  readonly port: number;
  /** Path in front of every resource, without a slash at its end: servers behind a proxy have one. */
  readonly basePath: string;
  /** The name that the server's certificate must have, when it is not `host`. */
  readonly serverName: string | undefined;
  /** Read anew for each request. Rejects with an AccessError. */
  credentials(): Promise<ClusterCredentials>;
}

/** Credentials or a kubeconfig that can't be used: one line with what to do. */
export class AccessError extends Error {
  override readonly name = 'AccessError';
}

/** What went wrong with a file, for people: the system's word for it. */
export const fileFault = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);
