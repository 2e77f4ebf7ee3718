import type { Clock } from '../../src/actors/ports/clock.ts';
import { decodeLease, encodeLease } from '../../src/adapters/kubernetes/lease.ts';
import type { LeaseApi } from '../../src/adapters/kubernetes/leaseApi.ts';
import type { Fate } from '../leadership/fakeLease.ts';
import type { BookAnswer, LeaseBook } from './leaseBook.ts';

const NAME = { namespace: 'pay', name: 'lnmux' };

/**
 * The API server without sockets, on the test's clock: requests and answers take their time or get lost. A request
 * that the client has given up may still arrive, as in a network.
 */
export function fakeLeaseApi(book: LeaseBook, world: Clock, client: Clock, fate: () => Fate): LeaseApi {
  const send = <T>(
    carryOut: () => BookAnswer,
    read: (answer: BookAnswer) => T,
    timeoutMs: number,
  ): Promise<T> => {
    const { thereMs, backMs, loss } = fate();
    return new Promise((resolve, reject) => {
      client.setTimeout(() => reject(new Error('no answer in time')), timeoutMs);
      world.setTimeout(() => {
        if (loss === 'request') return reject(new Error('no connection'));
        const answer = carryOut();
        if (loss === 'silent') return;
        world.setTimeout(() => {
          if (loss === 'answer') reject(new Error('connection lost'));
          else resolve(read(answer));
        }, backMs);
      }, thereMs);
    });
  };
  const stored = (answer: BookAnswer) => {
    if (answer.status === 409 || answer.status === 404) return 'conflict' as const;
    if (answer.status > 201) throw new Error(JSON.stringify(answer.body));
    return decodeLease(answer.body)!;
  };
  return {
    get: (timeoutMs) =>
      send(
        () => book.get(NAME.name),
        ({ status, body }) => (status === 200 ? decodeLease(body) : undefined),
        timeoutMs,
      ),
    create: (lease, timeoutMs) => send(() => book.create(encodeLease(NAME, lease)), stored, timeoutMs),
    update: (lease, timeoutMs) =>
      send(() => book.update(NAME.name, encodeLease(NAME, lease)), stored, timeoutMs),
  };
}
