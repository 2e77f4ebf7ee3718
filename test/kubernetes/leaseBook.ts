type Fields = Record<string, unknown>;

interface StoredLease {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Fields & { readonly name: string; readonly resourceVersion: string };
  readonly spec: Fields;
}

export interface BookAnswer {
  readonly status: number;
  readonly body: unknown;
}

const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

const failure = (code: number, reason: string, message: string): BookAnswer => ({
  status: code,
  body: { apiVersion: 'v1', kind: 'Status', status: 'Failure', code, reason, message },
});

/** The leases of one namespace, with the rules of the API server: versions, conflicts, and what a spec may say. */
export class LeaseBook {
  readonly #leases = new Map<string, StoredLease>();
  #version = 1_000;

  get(name: string): BookAnswer {
    const lease = this.#leases.get(name);
    return lease ? { status: 200, body: lease } : failure(404, 'NotFound', `leases "${name}" not found`);
  }

  create(body: Fields): BookAnswer {
    const metadata = (body.metadata ?? {}) as Fields;
    const name = metadata.name;
    if (typeof name !== 'string' || name === '') return failure(422, 'Invalid', 'name is required');
    if (metadata.resourceVersion !== undefined) {
      return failure(400, 'BadRequest', 'resourceVersion should not be set on objects to be created');
    }
    const fault = faultOf(body);
    if (fault) return failure(422, 'Invalid', fault);
    if (this.#leases.has(name)) return failure(409, 'AlreadyExists', `leases "${name}" already exists`);
    return { status: 201, body: this.#store(name, body) };
  }

  update(name: string, body: Fields): BookAnswer {
    const { resourceVersion } = (body.metadata ?? {}) as Fields;
    const fault = faultOf(body);
    if (fault) return failure(422, 'Invalid', fault);
    if (resourceVersion === undefined) return failure(422, 'Invalid', 'resourceVersion must be specified');
    const stored = this.#leases.get(name);
    if (!stored) return failure(404, 'NotFound', `leases "${name}" not found`);
    if (stored.metadata.resourceVersion !== resourceVersion) {
      return failure(409, 'Conflict', 'the object has been modified');
    }
    return { status: 200, body: this.#store(name, body) };
  }

  delete(name: string): void {
    this.#leases.delete(name);
  }

  spec(name: string): Fields {
    return this.#leases.get(name)?.spec ?? {};
  }

  holder(name: string): string {
    return String(this.spec(name).holderIdentity ?? '');
  }

  /** What somebody else writes into it, say with kubectl. */
  label(name: string, key: string, value: string): void {
    const lease = this.#leases.get(name);
    if (!lease) return;
    const labels = { ...(lease.metadata.labels as Fields), [key]: value };
    this.#store(name, { ...lease, metadata: { ...lease.metadata, labels } });
  }

  labels(name: string): unknown {
    return this.#leases.get(name)?.metadata.labels;
  }

  #store(name: string, body: Fields): StoredLease {
    this.#version += 1;
    const metadata = { ...(body.metadata as Fields), name, resourceVersion: String(this.#version) };
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata,
      spec: (body.spec ?? {}) as Fields,
    };
    this.#leases.set(name, structuredClone(lease));
    return structuredClone(lease);
  }
}

/** What the API server's validation would refuse. */
function faultOf({ apiVersion, kind, spec = {} }: Fields): string | undefined {
  if (apiVersion !== 'coordination.k8s.io/v1' || kind !== 'Lease') return 'not a Lease of this version';
  const { leaseDurationSeconds: duration, leaseTransitions: transitions, ...rest } = spec as Fields;
  if (duration !== undefined && !(Number.isInteger(duration) && (duration as number) > 0)) {
    return 'leaseDurationSeconds must be greater than 0';
  }
  if (transitions !== undefined && !(Number.isInteger(transitions) && (transitions as number) >= 0)) {
    return 'leaseTransitions must be greater than or equal to 0';
  }
  for (const key of ['acquireTime', 'renewTime']) {
    if (rest[key] !== undefined && !MICRO_TIME.test(String(rest[key]))) return `${key} is no MicroTime`;
  }
  return undefined;
}
