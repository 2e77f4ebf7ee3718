import type { ApiAnswer, ApiClient, ApiRequest } from './apiClient.ts';
import { decodeLease, encodeLease, type Lease, type LeaseName } from './lease.ts';

/** What an election asks of the API server. Every method rejects when there is no answer that it can use. */
export interface LeaseApi {
  /** Undefined when there is none. */
  get(timeoutMs: number): Promise<Lease | undefined>;
  /** The Lease as stored; 'conflict' when somebody else was first. */
  create(lease: Lease, timeoutMs: number): Promise<Lease | 'conflict'>;
  /** The Lease as stored; 'conflict' when its version is not the latest any more, or it is gone. */
  update(lease: Lease, timeoutMs: number): Promise<Lease | 'conflict'>;
}

/** The server answered, with a refusal that no other version of the Lease would mend. */
export class LeaseRefusedError extends Error {
  override readonly name = 'LeaseRefusedError';
}

export function createLeaseApi(client: ApiClient, leaseName: LeaseName): LeaseApi {
  const folder = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(leaseName.namespace)}/leases`;
  const place = `${folder}/${encodeURIComponent(leaseName.name)}`;
  const refused = (request: Pick<ApiRequest, 'method'>, answer: ApiAnswer) =>
    new LeaseRefusedError(
      `Lease ${leaseName.namespace}/${leaseName.name}: ${request.method} was answered with ` +
        `${answer.status} ${reasonOf(answer.body)}${adviceFor(answer.status)}`,
    );
  const write = async (method: 'POST' | 'PUT', path: string, lease: Lease, timeoutMs: number) => {
    const answer = await client.send({ method, path, body: encodeLease(leaseName, lease), timeoutMs });
    if (answer.status === 409 || (method === 'PUT' && answer.status === 404)) return 'conflict';
    const stored = isSuccess(answer.status) ? decodeLease(answer.body) : undefined;
    if (!stored) throw refused({ method }, answer);
    return stored;
  };
  return {
    async get(timeoutMs) {
      const answer = await client.send({ method: 'GET', path: place, timeoutMs });
      if (answer.status === 404) return undefined;
      const lease = isSuccess(answer.status) ? decodeLease(answer.body) : undefined;
      if (!lease) throw refused({ method: 'GET' }, answer);
      return lease;
    },
    create: (lease, timeoutMs) => write('POST', folder, lease, timeoutMs),
    update: (lease, timeoutMs) => write('PUT', place, lease, timeoutMs),
  };
}

const isSuccess = (status: number) => status >= 200 && status < 300;

/** The reason in a Status object; a word of Kubernetes, never more than that. */
function reasonOf(body: unknown): string {
  const reason = (body as { reason?: unknown } | undefined)?.reason;
  return typeof reason === 'string' && /^\w{1,40}$/.test(reason) ? reason : '';
}

function adviceFor(status: number): string {
  switch (status) {
    case 401:
      return '; the token or the client certificate is not taken';
    case 403:
      return '; its Role needs get, create and update of leases in coordination.k8s.io';
    case 404:
      return '; is the namespace there?';
    default:
      return '';
  }
}
