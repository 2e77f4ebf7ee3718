import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { LndError } from '../../src/actors/ports/lndClient.ts';
import { createGrpcLndClient } from '../../src/adapters/lnd/grpcLndClient.ts';
import type { PaymentHash } from '../../src/domain/hash.ts';
import { unavailable } from '../../src/simulator/node/faults.ts';
import { selfSignedCertificate } from '../../src/simulator/server/certificate.ts';
import { linkedLnd, receive, WAIT } from './simulated.ts';

const preimage = new Uint8Array(32).fill(9);
const hash = createHash('sha256').update(preimage).digest('hex') as PaymentHash;

let rig: Awaited<ReturnType<typeof linkedLnd>>;
const open = async (options = {}) => {
  rig = await linkedLnd(options);
  rig.link.start();
  return rig;
};
afterEach(() => rig.close());

describe('a node link over TLS and gRPC', () => {
  test('intercepts, settles, fails, resumes bystanders, and hears what became of it', async () => {
    const { lnd, link, offers, finals, virtualChannel, until } = await open();
    await until('connected');
    await vi.waitFor(() => expect(link.ready).toBe(true), WAIT);
    const paid = receive(lnd, { to: virtualChannel, hash });
    const failed = receive(lnd, { to: virtualChannel });
    const refused = receive(lnd, { to: virtualChannel });
    const foreign = receive(lnd, { to: 12345n });
    await vi.waitFor(() => expect(offers).toHaveLength(3), WAIT);
    expect(offers[0]).toMatchObject({
      paymentHash: hash,
      key: { nodeId: link.nodeId, chanId: 17592186044416000001n, htlcId: paid.htlcId },
      incomingAmountMsat: 1_001_000n,
      outgoingAmountMsat: 1_000_000n,
      incomingExpiry: 300,
      outgoingExpiry: 260,
      autoFailHeight: 281,
      onChain: false,
    });
    expect(rig.onions[0]).toBe('05'.repeat(1366));
    expect(link.settle(paid, preimage)).toBe(true);
    expect(link.fail(failed, new Uint8Array(292).fill(1))).toBe(true);
    expect(link.failWithCode(refused, 'invalid_onion_hmac')).toBe(true);
    await vi.waitFor(() => expect(finals).toHaveLength(4), WAIT);
    const outcome = (htlcId: bigint) => finals.find((f) => f.key.htlcId === htlcId);
    expect(outcome(paid.htlcId)).toMatchObject({ settled: true, offChain: true });
    expect(outcome(foreign.htlcId)).toMatchObject({ settled: false });
    expect(paid.response).toMatchObject({ kind: 'settle' });
    expect(failed.response).toMatchObject({ failure: { kind: 'encrypted' } });
    expect(refused.response).toMatchObject({ failure: { name: 'invalid_onion_hmac' } });
    expect(link.status().state).toBe('connected');
    expect(rig.heard.filter((h) => h.startsWith('disconnected'))).toEqual([]);
  });

  test('follows blocks and reorganisations', async () => {
    const { lnd, heard, until } = await open();
    await until('connected');
    lnd.node.mine(2);
    lnd.node.reorg(1);
    await vi.waitFor(() => expect(heard.filter((h) => h.startsWith('height'))).toHaveLength(4), WAIT);
    expect(heard.filter((h) => h.startsWith('height'))).toEqual([
      'height 100',
      'height 101',
      'height 102',
      'height 102',
    ]);
  });

  test('comes back after a restart of lnd, gets what is held again, and looks up what it missed', async () => {
    const { lnd, link, offers, finals, unresolved, virtualChannel, until } = await open();
    await until('connected');
    const held = receive(lnd, { to: virtualChannel, hash });
    const missed = receive(lnd, { to: virtualChannel, hash });
    await vi.waitFor(() => expect(offers).toHaveLength(2), WAIT);
    lnd.node.change({ loseFinalEvents: true });
    link.settle(missed, preimage);
    await vi.waitFor(() => expect(missed.stage).toBe('final'), WAIT);
    expect(finals).toEqual([]);
    unresolved.push(missed, held);
    lnd.node.restart(unavailable('lnd is shutting down'));
    await vi.waitFor(() => expect(offers).toHaveLength(3), WAIT);
    expect(rig.heard.some((h) => h.startsWith('disconnected UNAVAILABLE: lnd is shutting down'))).toBe(true);
    expect(offers[2]!.key.htlcId).toBe(held.htlcId);
    await vi.waitFor(() => expect(finals).toHaveLength(1), WAIT);
    expect(finals[0]).toMatchObject({ key: { htlcId: missed.htlcId }, settled: true, offChain: true });
    expect(link.streamId).toBe(2);
    expect(link.settle(held, preimage)).toBe(true);
  });

  test('on-chain offers do not disturb the stream: silence for foreign ones, a settle for ours', async () => {
    const { lnd, link, offers, virtualChannel, until } = await open();
    await until('connected');
    const ours = receive(lnd, { to: virtualChannel, hash });
    await vi.waitFor(() => expect(offers).toHaveLength(1), WAIT);
    lnd.node.forceClose(ours.chanId);
    await vi.waitFor(() => expect(offers).toHaveLength(2), WAIT);
    expect(offers[1]).toMatchObject({ onChain: true });
    expect(link.fail(ours, new Uint8Array(292))).toBe(false);
    expect(link.settle(ours, preimage)).toBe(true);
    await vi.waitFor(() => expect(ours.claim).toBeDefined(), WAIT);
    expect(link.status().state).toBe('connected');
  });

  test('waits for a slot that another client holds, and gets it when that one is gone', async () => {
    rig = await linkedLnd();
    const { link, lnd, client, until } = rig;
    const other = await client.connect();
    const closed = vi.fn<(error: LndError) => void>();
    other.openInterceptor({ opened() {}, offered() {}, drained() {}, closed });
    await vi.waitFor(() => expect(lnd.node.isIntercepted).toBe(true), WAIT);
    link.start();
    await until('slotTaken');
    expect(link.status().words).toContain('interceptor already exists');
    expect(rig.lines.some((l) => l.fields.problem === 'slotTaken')).toBe(true);
    expect(rig.heard).not.toContain('connected');
    other.close();
    await until('connected');
    expect(closed).not.toHaveBeenCalled();
  });

  test('a wrong macaroon is refused until the file is right again; no restart is needed', async () => {
    rig = await linkedLnd();
    const path = rig.lnd.info.macaroonPath;
    const right = readFileSync(path);
    writeFileSync(path, Buffer.from('00112233445566778899', 'hex'));
    rig.link.start();
    await rig.until('refused');
    expect(rig.link.status().words).toMatch(/verification failed|permission denied|macaroon/);
    expect(JSON.stringify(rig.lines)).not.toContain('00112233445566778899');
    writeFileSync(path, right);
    await rig.until('connected');
    expect(JSON.stringify(rig.lines)).not.toContain(right.toString('hex'));
  });

  test('a certificate that is not the node’s is not trusted; a renewed one is taken up', async () => {
    rig = await linkedLnd();
    const path = rig.lnd.info.tlsCertPath;
    const right = readFileSync(path);
    writeFileSync(path, selfSignedCertificate('mallory').cert);
    rig.link.start();
    await rig.until('backoff');
    expect(rig.link.status().words).toMatch(/UNAVAILABLE|certificate/);
    writeFileSync(path, right);
    await rig.until('connected');
  });

  test('flags that are off refuse the node, and readiness follows the chain', async () => {
    const { lnd, link, until } = await open({ settings: { storeFinals: false } });
    await until('refused');
    expect(link.status().words).toContain('lnd store-final-htlc-resolutions flag not set');
    lnd.node.change({ storeFinals: true });
    await until('connected');
    expect(link.ready).toBe(true);
  });

  test('nothing listens: the reason is told at once and every pause is short of forever', async () => {
    rig = await linkedLnd();
    const client = createGrpcLndClient({ ...rig.lnd.info, address: '127.0.0.1:1' });
    const connection = await client.connect();
    await expect(connection.getInfo()).rejects.toMatchObject({ name: 'LndError', kind: 'unavailable' });
    connection.close();
    await expect(connection.getInfo()).rejects.toThrow('connection closed');
  });

  test('a call that lnd does not answer ends at its deadline', async () => {
    rig = await linkedLnd();
    const { createServer } = await import('node:net');
    const deaf = createServer(() => {});
    await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve));
    const { port } = deaf.address() as { port: number };
    const client = createGrpcLndClient({
      ...rig.lnd.info,
      address: `127.0.0.1:${port}`,
      limits: { unaryDeadlineMs: 50 },
    });
    const connection = await client.connect();
    await expect(connection.getInfo()).rejects.toMatchObject({ kind: 'deadline' });
    connection.close();
    deaf.close();
  });

  test('stop sends what was answered just before, and frees the slot', async () => {
    const { lnd, link, offers, virtualChannel, until } = await open();
    await until('connected');
    const htlcs = Array.from({ length: 100 }, () => receive(lnd, { to: virtualChannel, hash }));
    await vi.waitFor(() => expect(offers).toHaveLength(100), WAIT);
    for (const htlc of htlcs) expect(link.settle(htlc, preimage)).toBe(true);
    await link.stop();
    await vi.waitFor(() => expect(lnd.node.isIntercepted).toBe(false), WAIT);
    expect(htlcs.filter((h) => h.response?.kind === 'settle')).toHaveLength(100);
    expect(link.status().state).toBe('disconnected');
  });

  test('a burst of ours and foreign HTLCs is answered once each, without an answer that lnd rejects', async () => {
    const { lnd, link, offers, virtualChannel, until } = await open();
    await until('connected');
    const n = 2_000;
    for (let i = 0; i < n; i++) receive(lnd, { to: i % 2 ? virtualChannel : 7n, hash });
    await vi.waitFor(() => expect(offers).toHaveLength(n / 2), WAIT);
    for (const offer of offers) link.settle(offer.key, preimage);
    await vi.waitFor(() => expect(lnd.node.heldCount).toBe(0), WAIT);
    expect(link.status()).toMatchObject({ state: 'connected', held: 0, queued: 0 });
    expect(link.status().counters).toMatchObject({
      offered: n / 2,
      settled: n / 2,
      resumed: n / 2,
      connections: 1,
    });
  });
});
