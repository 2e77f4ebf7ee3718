import { describe, expect, it } from 'vitest';
import {
  lastDocument,
  readAttempt,
  readChannelBalance,
  readChannels,
  readClosingTxid,
  readForceClosing,
  readFundingTxid,
  readHasPolicies,
  readNodeInfo,
  readPayment,
} from './lnd/answers.ts';
import { readRpcAnswer } from './lnd/jsonRpc.ts';
import { LncliError } from './lnd/lncli.ts';
import * as recorded from './recordings.ts';

const { ALICE, BOB, FUNDING, PREIMAGE } = recorded;

describe('what lncli prints', () => {
  it('of the node', () => {
    expect(readNodeInfo(recorded.GET_INFO)).toEqual({
      pubkey: ALICE,
      height: 118,
      isSynced: true,
      requiresInterceptor: true,
      storesFinalResolutions: true,
    });
  });

  it.each([
    ['newer', recorded.LIST_CHANNELS],
    ['older', recorded.LIST_CHANNELS_OLD],
  ])('of channels, in %s releases', (_age, text) => {
    expect(readChannels(text)).toEqual([
      {
        peer: BOB,
        isActive: true,
        channelPoint: `${FUNDING}:1`,
        scid: '222101348876289',
        capacitySat: 10_000_000n,
        localSat: 9_964_310n,
        pendingHtlcs: 1,
      },
    ]);
  });

  it('of channels, balances and transactions', () => {
    expect(readChannels('{\n    "channels": []\n}\n')).toEqual([]);
    expect(readForceClosing(recorded.PENDING_CHANNELS)).toEqual([`${FUNDING}:1`]);
    expect(readChannelBalance(recorded.CHANNEL_BALANCE)).toBe(30_004_010n);
    expect(readFundingTxid(`{\n    "funding_txid": "${FUNDING}"\n}\n`)).toBe(FUNDING);
    expect(readClosingTxid(`{\n    "closing_txid": "${FUNDING}"\n}\n`)).toBe(FUNDING);
  });

  it("of a channel's policies: both have to be there", () => {
    const policy = { time_lock_delta: 80, fee_base_msat: '1000' };
    const edge = (node1_policy: unknown, node2_policy: unknown) =>
      JSON.stringify({ channel_id: '222101348876289', node1_policy, node2_policy });
    expect(readHasPolicies(edge(policy, policy))).toBe(true);
    expect(readHasPolicies(edge(policy, null))).toBe(false);
    expect(readHasPolicies(edge(null, policy))).toBe(false);
  });

  it('of an HTLC: what arrives, the fee, who settled or failed it', () => {
    const sent = { firstHop: ALICE, amountMsat: 30_000_000n, feeMsat: 4_000n };
    expect(readAttempt(recorded.ATTEMPT_SETTLED)).toEqual({
      ...sent,
      status: 'settled',
      failure: undefined,
      preimage: PREIMAGE,
    });
    expect(readAttempt(recorded.ATTEMPT_FAILED)).toEqual({
      ...sent,
      status: 'failed',
      failure: { name: 'mpp_timeout', hop: 1 },
      preimage: undefined,
    });
  });

  it('of a payment, whose last update counts', () => {
    const updates = [
      recorded.payment('IN_FLIGHT', [recorded.HTLC_IN_FLIGHT]),
      recorded.payment('SUCCEEDED', [recorded.HTLC_SETTLED]),
    ].join('\n');
    const { isOver, attempts } = readPayment(updates, 'lncli trackpayment');
    expect({ isOver, statuses: attempts.map(({ status }) => status) }).toEqual({
      isOver: true,
      statuses: ['settled'],
    });
    const [first] = updates.split('\n\n');
    expect(readPayment(first!, 'lncli trackpayment').isOver).toBe(false);
    const none = readPayment(recorded.payment('FAILED', []), 'lncli payinvoice');
    expect(none).toEqual({ isOver: true, failureReason: 'FAILURE_REASON_NO_ROUTE', attempts: [] });
  });

  it.each([
    ['nothing', '', /lncli getinfo did not print JSON: nothing at all/],
    ['words', '[lncli] wallet locked\n', /did not print JSON: \[lncli\] wallet locked/],
    ['another answer', '{"channels": []}', /getinfo: identity_pubkey should be a string, but is missing/],
    [
      'base64',
      recorded.GET_INFO.replace(ALICE, 'Aqlw'),
      /identity_pubkey should be 33 bytes in hex, but is "Aqlw"/,
    ],
    ['a number in quotes', recorded.GET_INFO.replace('118', '"118"'), /block_height should be a number/],
  ])('is refused with words when it is %s', (_what, text, error) => {
    expect(() => readNodeInfo(text)).toThrow(error);
  });

  it('says where in a list something is wrong', () => {
    const text = recorded.LIST_CHANNELS.replace('"9964310"', '9964310');
    expect(() => readChannels(text)).toThrow(/listchannels: channels\[0\]: local_balance should be a string/);
    expect(() => readPayment(recorded.payment('PONDERED', []), 'lncli payinvoice')).toThrow(
      /status should be one of IN_FLIGHT, INITIATED, SUCCEEDED, FAILED, but is "PONDERED"/,
    );
  });

  it('is taken apart at brackets in the first column only', () => {
    expect(lastDocument('{\n    "a": {\n    }\n}\n\n{\n    "b": 1\n}\n')).toBe('{\n    "b": 1\n}');
    expect(lastDocument('{\n    "a": 1\n}\n')).toBe('{\n    "a": 1\n}');
    expect(lastDocument('')).toBe('');
  });
});

describe('a failed call of lncli', () => {
  const failed = (reason: string) => new LncliError('carol', ['payinvoice', '--json'], reason, '');

  it('names command, node and reason', () => {
    expect(failed('[lncli] FAILED').message).toBe('lncli payinvoice on carol: [lncli] FAILED');
  });

  it.each([
    ['[lncli] rpc error: code = Unavailable desc = error reading from server: EOF', true],
    [
      '[lncli] rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:1: connect: connection refused"',
      true,
    ],
    ['[lncli] rpc error: code = Unknown desc = not enough witness outputs', false],
    ['[lncli] FAILED', false],
  ])('%s: lnd is lost: %s', (reason, lost) => {
    expect(failed(reason).isLost).toBe(lost);
  });
});

describe('an answer of bitcoind or btcd', () => {
  it('is the result, or an error in words', () => {
    expect(readRpcAnswer('getblockcount', 200, '{"result":118,"error":null,"id":"regtest"}')).toBe(118);
    const warming = '{"result":null,"error":{"code":-28,"message":"Loading block index…"},"id":"regtest"}';
    expect(() => readRpcAnswer('getblockcount', 500, warming)).toThrow('getblockcount: Loading block index…');
    expect(() => readRpcAnswer('generate', 401, '')).toThrow('generate: user or password is wrong');
    expect(() => readRpcAnswer('generate', 503, 'Work queue depth exceeded')).toThrow(
      'generate: HTTP 503, Work queue depth exceeded',
    );
  });
});
