import { describe, expect, it } from 'vitest';
import { nodeIdFromText } from '../../src/domain/hash.ts';
import { encodeBech32 } from '../../src/lightning/bech32.ts';
import { decodeInvoice } from '../../src/lightning/bolt11.ts';
import vectors from '../vectors/bolt11-vectors.json' with { type: 'json' };
import {
  bitcoindArgs,
  btcdArgs,
  lncliArgs,
  lndArgs,
  lndBitcoindArgs,
  lndBtcdArgs,
  payInvoiceArgs,
  rpcAuth,
} from './lnd/arguments.ts';
import { NOBODYS_ADDRESS } from './lnd/chain.ts';
import { amountForBoth } from './lnd/payer.ts';
import { routeJson } from './lnd/route.ts';

const login = { user: 'regtest', password: 'secret' };
const ports = { rpc: 18_000, rawBlocks: 18_001, rawTransactions: 18_002 };
const setup = { name: 'alice', dir: '/data/alice', rpcPort: 10_009, peerPort: 9_735 };

describe('the arguments', () => {
  it('of bitcoind keep it to itself, and lnd gets the same ports', () => {
    const args = bitcoindArgs({ dir: '/data/bitcoind', ports, login, salt: 'ab' });
    expect(args).toEqual(
      expect.arrayContaining([
        '-regtest',
        '-datadir=/data/bitcoind',
        '-listen=0',
        '-rpcport=18000',
        '-zmqpubrawblock=tcp://127.0.0.1:18001',
        '-zmqpubrawtx=tcp://127.0.0.1:18002',
      ]),
    );
    expect(args.join(' ')).not.toContain('secret');
    expect(lndBitcoindArgs({ ports, login })).toEqual([
      '--bitcoin.node=bitcoind',
      '--bitcoind.rpchost=127.0.0.1:18000',
      '--bitcoind.rpcuser=regtest',
      '--bitcoind.rpcpass=secret',
      '--bitcoind.zmqpubrawblock=tcp://127.0.0.1:18001',
      '--bitcoind.zmqpubrawtx=tcp://127.0.0.1:18002',
    ]);
  });

  // User, salt, hash and password of lnd's own tests.
  it('of its login are what rpcauth.py makes', () => {
    expect(rpcAuth({ user: 'weks', password: 'weks' }, '469e9bb14ab2360f8e226efed5ca6fd')).toBe(
      'weks:469e9bb14ab2360f8e226efed5ca6fd$507c670e800a95284294edb5773b05544b220110063096c221be9933c82d38e1',
    );
  });

  it('of btcd name whom blocks pay', () => {
    const btcd = {
      configFile: '/data/btcd/btcd.conf',
      dir: '/data/btcd',
      rpcPort: 18_556,
      login,
      certificate: '/data/btcd/rpc.cert',
      certificateKey: '/data/btcd/rpc.key',
      miningAddress: NOBODYS_ADDRESS,
    };
    expect(btcdArgs(btcd)).toEqual(
      expect.arrayContaining(['--regtest', '--txindex', '--nolisten', `--miningaddr=${NOBODYS_ADDRESS}`]),
    );
    expect(lndBtcdArgs(btcd)).toEqual(
      expect.arrayContaining(['--bitcoin.node=btcd', '--btcd.rpccert=/data/btcd/rpc.cert']),
    );
  });

  it('of lnd differ by what it is for', () => {
    const cluster = lndArgs({ ...setup, chain: ['--bitcoin.node=btcd'], role: 'cluster' });
    const payer = lndArgs({ ...setup, chain: ['--bitcoin.node=btcd'], role: 'payer' });
    const flags = ['--requireinterceptor', '--store-final-htlc-resolutions'];
    expect(cluster).toEqual(expect.arrayContaining([...flags, '--bitcoin.regtest', '--noseedbackup']));
    expect(payer).toEqual(expect.arrayContaining(['--keep-failed-payment-attempts']));
    expect(payer.filter((flag) => flags.includes(flag))).toEqual([]);
    expect(lncliArgs(setup)).toEqual([
      '--lnddir=/data/alice',
      '--rpcserver=127.0.0.1:10009',
      '--network=regtest',
    ]);
  });

  it('of a payment: flags come before the invoice, as lncli stops reading them there', () => {
    const through = payInvoiceArgs('lnbcrt1', '222101348876289', 300);
    expect(through).toEqual(
      expect.arrayContaining(['--outgoing_chan_id=222101348876289', '--max_parts=1', '--timeout=300s']),
    );
    for (const args of [through, payInvoiceArgs('lnbcrt1', undefined, 300)]) {
      expect(args[0]).toBe('payinvoice');
      expect(args.at(-1)).toBe('lnbcrt1');
      expect(args.slice(1, -1).every((flag) => flag.startsWith('--'))).toBe(true);
    }
  });
});

describe('a route', () => {
  const nodeId = nodeIdFromText(`02${'a1'.repeat(32)}`)!;
  const hint = { nodeId, chanId: 2n ** 63n + 5n, feeBaseMsat: 1_000, feeRatePpm: 100, cltvDelta: 42 };
  const invoice = {
    ...decodeInvoice(vectors.valid[0]!.invoice),
    hints: [[hint]],
    finalCltvDelta: 40,
  };
  const plan = { invoice, nodeId, scid: '222101348876289', amountMsat: 30_000_000n, height: 118 };

  it('goes over the channel, then the hint; fee and time lock of the hint are on top', () => {
    const { routes } = JSON.parse(routeJson({ ...plan, totalMsat: 50_000_000n }));
    expect(routes).toEqual([
      {
        total_time_lock: 118 + 40 + 42,
        total_amt_msat: '30004000',
        total_fees_msat: '4000',
        hops: [
          {
            chan_id: '222101348876289',
            pub_key: nodeId,
            amt_to_forward_msat: '30000000',
            fee_msat: '4000',
            expiry: 158,
            tlv_payload: true,
          },
          {
            chan_id: '9223372036854775813',
            pub_key: invoice.payee,
            amt_to_forward_msat: '30000000',
            fee_msat: '0',
            expiry: 158,
            tlv_payload: true,
            mpp_record: {
              payment_addr: Buffer.from(invoice.paymentAddr).toString('hex'),
              total_amt_msat: '50000000',
            },
          },
        ],
      },
    ]);
  });

  it('needs a hint over that node', () => {
    const other = nodeIdFromText(`03${'b0'.repeat(32)}`)!;
    expect(() => routeJson({ ...plan, nodeId: other, totalMsat: 1n })).toThrow(/no route hint over 03b0/);
  });
});

describe("nobody's address", () => {
  it('is the witness program of twenty zeros', () => {
    const words = Uint8Array.from({ length: 33 }, () => 0);
    expect(NOBODYS_ADDRESS).toBe(encodeBech32('bcrt', words));
    // The same on mainnet is well known.
    expect(encodeBech32('bc', words)).toBe('bc1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq9e75rs');
  });
});

describe('the amount that needs both channels', () => {
  it('is more than one can carry, and leaves room in both', () => {
    const amount = amountForBoth([9_996_530n, 9_996_530n]);
    expect(amount).toBeGreaterThan(9_996_530n);
    expect(amount).toBeLessThan(2n * 9_996_530n);
  });

  it('is refused where one channel is nearly empty', () => {
    expect(() => amountForBoth([9_996_530n, 100_000n])).toThrow(/9996530 and 100000 sat can't carry/);
  });
});
