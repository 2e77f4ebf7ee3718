/** A Lease of coordination.k8s.io/v1, as far as an election needs it. */
export interface Lease {
  /** The server's mark of this very version; an update with an older one is refused. Absent: to be created. */
  readonly resourceVersion: string | undefined;
  /** Empty: free. */
  readonly holder: string;
  readonly durationSeconds: number;
  /** When the present holder got it; together with `transitions` the name of its tenure. RFC 3339, micros. */
  readonly acquireTime: string;
  readonly renewTime: string;
  /** Counts the changes of holder. */
  readonly transitions: number;
  /** Everything else of the object, which an update gives back as it was: labels, owners, later fields. */
  readonly rest: Readonly<Record<string, unknown>>;
}

export interface LeaseName {
  readonly namespace: string;
  readonly name: string;
}

/** Times of Kubernetes' MicroTime. */
export const microTime = (unixMs: number): string => new Date(unixMs).toISOString().replace('Z', '000Z');

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const countOf = (value: unknown): number =>
  Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0;

/** Decodes what the server sent; undefined when it is no Lease. Absent fields of the spec are empty: it is free. */
export function decodeLease(value: unknown): Lease | undefined {
  const root = fieldsOf(value);
  const resourceVersion = textOf(fieldsOf(root.metadata).resourceVersion);
  if (root.kind !== 'Lease' || resourceVersion === '') return undefined;
  const spec = fieldsOf(root.spec);
  return {
    resourceVersion,
    holder: textOf(spec.holderIdentity),
    durationSeconds: countOf(spec.leaseDurationSeconds),
    acquireTime: textOf(spec.acquireTime),
    renewTime: textOf(spec.renewTime),
    transitions: countOf(spec.leaseTransitions),
    rest: root,
  };
}

/** The object to send for a Lease. */
export function encodeLease({ namespace, name }: LeaseName, lease: Lease): Fields {
  const metadata = { ...fieldsOf(lease.rest.metadata), namespace, name };
  return {
    ...lease.rest,
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata:
      lease.resourceVersion === undefined
        ? metadata
        : { ...metadata, resourceVersion: lease.resourceVersion },
    spec: {
      ...fieldsOf(lease.rest.spec),
      holderIdentity: lease.holder,
      leaseDurationSeconds: lease.durationSeconds,
      acquireTime: lease.acquireTime,
      renewTime: lease.renewTime,
      leaseTransitions: lease.transitions,
    },
  };
}
