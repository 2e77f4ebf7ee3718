import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { lndErrorOf } from '../../src/adapters/lnd/lndErrors.ts';

const unavailable = (details: string) =>
  lndErrorOf(Object.assign(new Error(details), { code: status.UNAVAILABLE, details })).message;

test('what is said of a connection has no empty note, and no advice for somebody else', () => {
  const begin = 'No connection established. Last error: Error:';
  expect(unavailable(`${begin} connect ECONNREFUSED 127.0.0.1:10009. Resolution note: `)).toBe(
    `UNAVAILABLE: ${begin} connect ECONNREFUSED 127.0.0.1:10009`,
  );
  const advice = 'if the root CA is installed locally, try running Node.js with --use-system-ca';
  expect(unavailable(`${begin} self-signed certificate; ${advice}. Resolution note: `)).toBe(
    `UNAVAILABLE: ${begin} self-signed certificate`,
  );
});
