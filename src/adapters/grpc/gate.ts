import type { Http2Session } from 'node:http2';
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import type { Log } from '../../actors/ports/log.ts';
import type { Admission, Credential, Principal } from './access/accessControl.ts';
import { type ClientCertificate, clientCertificate } from './access/clientCertificate.ts';
import type { Guard } from './access/guard.ts';
import { neededRole } from './access/methodRoles.ts';
import { RefusalLog } from './access/refusalLog.ts';
import { bearerToken, tokenDigest } from './access/tokens.ts';
import type { CallObserver } from './observer.ts';

const HEADER = 'authorization';
const SERVICE = '/lnmux.Service/';
const AUTHORITIES_CHANGED = 'the authorities for client certificates have changed: connect again';

/** Who makes a call, by the object with its metadata, which the handler gets. */
const principals = new WeakMap<Metadata, Principal>();

/** Who makes this call. A call that did not come through the gate is nobody's, and may see nothing. */
export function principalOf(call: { readonly metadata: Metadata }): Principal {
  return principals.get(call.metadata) ?? { name: 'nobody', roles: new Set() };
}

/** The connection of a call. It is not part of grpc-js' interface. */
function sessionOf(call: ServerInterceptingCallInterface): Http2Session | undefined {
  return (call as { readonly stream?: { readonly session?: Http2Session } }).stream?.session;
}

type Refusal = Extract<Admission, { ok: false }>;

/** An open call, and how to look again whether it may go on. */
interface OpenCall {
  readonly credential: Credential;
  readonly recheck: () => Admission;
  readonly end: (code: status, details: string) => void;
}

const CODES = {
  unauthenticated: status.UNAUTHENTICATED,
  permission_denied: status.PERMISSION_DENIED,
} as const;

/**
 * Stands in front of every method: asks who calls and whether they may, before the request is read. What is not
 * admitted never reaches a handler. Calls that wait or stream end when their caller loses the right; those that decide
 * take no time and finish.
 */
export class Gate {
  readonly #guard: Guard;
  readonly #refusals: RefusalLog;
  readonly #observer: CallObserver | undefined;
  readonly #sessions = new Map<Http2Session, ClientCertificate | 'none'>();
  readonly #open = new Set<OpenCall>();

  constructor(guard: Guard, log: Log, observer: CallObserver | undefined) {
    this.#guard = guard;
    this.#refusals = new RefusalLog(log);
    this.#observer = observer;
    guard.onChange(({ authorities }) => (authorities ? this.#reconnectAll() : this.#recheck()));
  }

  readonly interceptor: ServerInterceptor = ({ path, responseStream }, call) => {
    let open: OpenCall | undefined;
    const onReceiveMetadata = (metadata: Metadata, pass: (metadata: Metadata) => void) => {
      const credential = this.#credentialOf(metadata, call);
      metadata.remove(HEADER);
      const recheck = () => this.#guard.control.admit(path, credential);
      const admission = recheck();
      if (!admission.ok) {
        this.#refuse(path, responseStream, call, admission);
        return;
      }
      principals.set(metadata, admission.principal);
      if (credential.kind !== 'none' && (responseStream || neededRole(path) === 'read')) {
        open = { credential, recheck, end: (code, details) => call.sendStatus({ code, details }) };
        this.#open.add(open);
      }
      pass(metadata);
    };
    const onCancel = () => {
      if (open !== undefined) this.#open.delete(open);
    };
    return new ServerInterceptingCall(call, { start: (next) => next({ onReceiveMetadata, onCancel }) });
  };

  #credentialOf(metadata: Metadata, call: ServerInterceptingCallInterface): Credential {
    const { ways } = this.#guard.control;
    const [header] = ways.tokens ? metadata.get(HEADER) : [];
    if (header !== undefined) {
      const token = bearerToken(String(header));
      return token === undefined ? { kind: 'none' } : { kind: 'token', digest: tokenDigest(token) };
    }
    const certificate = ways.certificates ? this.#certificateOf(call) : 'none';
    return certificate === 'none' ? { kind: 'none' } : { kind: 'cert', certificate };
  }

  /** Taking a certificate apart costs more than a small call: once for each connection is enough. */
  #certificateOf(call: ServerInterceptingCallInterface): ClientCertificate | 'none' {
    const session = sessionOf(call);
    const known = session === undefined ? undefined : this.#sessions.get(session);
    if (known !== undefined) return known;
    const peer = call.getAuthContext().sslPeerCertificate;
    const certificate = peer === undefined ? 'none' : clientCertificate(peer);
    if (session !== undefined && !session.destroyed) {
      this.#sessions.set(session, certificate);
      session.once('close', () => this.#sessions.delete(session));
    }
    return certificate;
  }

  #refuse(path: string, isStream: boolean, call: ServerInterceptingCallInterface, refusal: Refusal): void {
    const code = CODES[refusal.code];
    const { reason, name: caller } = refusal;
    this.#refusals.note({ method: path, code: status[code], caller, peer: call.getPeer(), reason });
    if (path.startsWith(SERVICE)) {
      const method = path.slice(SERVICE.length);
      const kind = isStream ? 'server_stream' : 'unary';
      this.#observer?.started(method, kind);
      this.#observer?.finished(method, kind, code, 0);
    }
    call.sendStatus({ code, details: reason });
  }

  #recheck(): void {
    for (const open of [...this.#open]) {
      const admission = open.recheck();
      if (!admission.ok) open.end(CODES[admission.code], admission.reason);
    }
  }

  /** A certificate is checked when a connection begins: with other authorities, all have to begin anew. */
  #reconnectAll(): void {
    for (const [session, certificate] of this.#sessions) if (certificate !== 'none') session.close();
    for (const open of [...this.#open]) {
      if (open.credential.kind === 'cert') open.end(status.UNAVAILABLE, AUTHORITIES_CHANGED);
    }
    this.#recheck();
  }
}
