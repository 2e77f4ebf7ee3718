import { status } from '@grpc/grpc-js';

/** What a method answers: a message, or a status with a text for whoever reads it. Values, not exceptions. */
export type Outcome<Response> =
  | { readonly ok: true; readonly response: Response }
  | { readonly ok: false; readonly code: status; readonly details: string };

export function answer<Response>(response: Response): Outcome<Response> {
  return { ok: true, response };
}

export function refuse(code: status, details: string): Outcome<never> {
  return { ok: false, code, details };
}

export function invalid(details: string): Outcome<never> {
  return refuse(status.INVALID_ARGUMENT, details);
}

/** The Go program's text: clients may look for it. */
export function notFound(): Outcome<never> {
  return refuse(status.NOT_FOUND, 'unable to locate invoice');
}

export const SHUTTING_DOWN = 'lnmux is shutting down: call again when it is back';
