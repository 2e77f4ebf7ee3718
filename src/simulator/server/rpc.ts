import { timingSafeEqual } from 'node:crypto';
import type { Metadata, ServiceError, sendUnaryData } from '@grpc/grpc-js';
import { unknown } from '../node/faults.ts';
import type { RpcFault } from '../node/types.ts';

/** What streaming calls have in common. */
export interface OpenCall {
  emit(event: 'error', error: ServiceError): boolean;
}

export function serviceError(fault: RpcFault): ServiceError {
  return Object.assign(new Error(fault.message), {
    code: fault.code,
    details: fault.message,
  }) as ServiceError;
}

/** Ends a streaming call with a status. */
export function endWith(call: OpenCall, fault: RpcFault): void {
  call.emit('error', serviceError(fault));
}

/** Answers a unary call with what `run` gives, or with its fault. */
export function answerUnary<T extends object>(callback: sendUnaryData<T>, run: () => T | RpcFault): void {
  const result = run();
  if (isFault(result)) callback(serviceError(result));
  else callback(null, result);
}

export function isFault(value: object): value is RpcFault {
  return 'code' in value && 'message' in value;
}

/** Checks the macaroon of a call as lnd does: it has to be there, and to be one that lnd has baked. */
export function checkMacaroon(metadata: Metadata, macaroonHex: string): RpcFault | undefined {
  const given = metadata.get('macaroon');
  if (given.length !== 1) return unknown(`expected 1 macaroon, got ${given.length}`);
  const bytes = Buffer.from(String(given[0]).toLowerCase());
  const right = Buffer.from(macaroonHex);
  const same = bytes.length === right.length && timingSafeEqual(bytes, right);
  return same ? undefined : unknown('permission denied');
}
