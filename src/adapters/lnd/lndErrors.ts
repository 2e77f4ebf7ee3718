import { type ServiceError, status } from '@grpc/grpc-js';
import { LndError, type LndErrorKind } from '../../actors/ports/lndClient.ts';

/** rpcperms and macaroon-bakery texts; lnd gives them the status UNKNOWN. */
const DENIED =
  /permission denied|verification failed|cannot get macaroon|cannot determine data format|macaroon/;

const MACAROON_ADVICE =
  '. lnd does not take this macaroon: see that macaroonPath belongs to this node, or bake one with the permissions that docs/lnd.md lists';

/**
 * What lnd or gRPC said, sorted. lnd returns most errors as UNKNOWN with a text, so the text has to decide. The
 * details of a gRPC error hold no request data, hence no secret.
 */
export function lndErrorOf(error: unknown): LndError {
  if (error instanceof LndError) return error;
  if (!isServiceError(error)) return new LndError('other', String(error).slice(0, 300));
  const text = plain(error.details || error.message).slice(0, 300);
  const kind = kindOf(error.code, text);
  const advice = kind === 'denied' ? MACAROON_ADVICE : '';
  return new LndError(kind, `${status[error.code]}: ${text}${advice}`);
}

/** Without what gRPC and Node add: an empty note, and advice that does not fit, as only `tlsCertPath` counts. */
function plain(text: string): string {
  return text
    .replace(/\.? Resolution note: *$/, '')
    .replace(/; if the root CA is installed locally.*--use-system-ca/, '');
}

export function isNotFound(error: unknown): boolean {
  return isServiceError(error) && error.code === status.NOT_FOUND;
}

function kindOf(code: status, text: string): LndErrorKind {
  switch (code) {
    case status.UNKNOWN:
      if (text.includes('interceptor already exists')) return 'occupied';
      return DENIED.test(text) ? 'denied' : 'other';
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return 'denied';
    case status.DEADLINE_EXCEEDED:
      return 'deadline';
    case status.UNAVAILABLE:
      return 'unavailable';
    default:
      return 'other';
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && typeof (error as Partial<ServiceError>).code === 'number';
}
