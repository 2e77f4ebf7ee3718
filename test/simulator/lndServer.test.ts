import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect as tlsConnect } from 'node:tls';
import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { type BlockEpoch, ChainNotifierClient } from '../../src/generated/lnd/chainnotifier.ts';
import type { GetInfoResponse, LookupHtlcResolutionResponse } from '../../src/generated/lnd/lightning.ts';
import type { ForwardHtlcInterceptRequest, HtlcEvent } from '../../src/generated/lnd/router.ts';
import { type Version, VersionerClient } from '../../src/generated/lnd/verrpc.ts';
import { BulkResult } from '../../src/generated/simulator.ts';
import { selfSignedCertificate } from '../../src/simulator/server/certificate.ts';
import type { SimulatedLndInfo } from '../../src/simulator/server/simulatedLnd.ts';
import { HASH, PREIMAGE } from './coreFixture.ts';
import {
  lightning,
  lndClient,
  macaroonOf,
  respond,
  router,
  startNode,
  streamError,
  until,
} from './serverFixture.ts';

function getInfo(info: SimulatedLndInfo, metadata = macaroonOf(info)): Promise<GetInfoResponse> {
  return new Promise((resolve, reject) => {
    lightning(info).getInfo({}, metadata, (error, response) => (error ? reject(error) : resolve(response)));
  });
}

function getVersion(info: SimulatedLndInfo): Promise<Version> {
  return new Promise((resolve, reject) => {
    lndClient(VersionerClient, info).getVersion({}, macaroonOf(info), (error, response) =>
      error ? reject(error) : resolve(response),
    );
  });
}

function lookup(
  info: SimulatedLndInfo,
  chanId: bigint,
  htlcIndex: bigint,
): Promise<LookupHtlcResolutionResponse> {
  return new Promise((resolve, reject) => {
    lightning(info).lookupHtlcResolution({ chanId, htlcIndex }, macaroonOf(info), (error, response) =>
      error ? reject(error) : resolve(response),
    );
  });
}

async function openInterceptor(node: Awaited<ReturnType<typeof startNode>>) {
  const stream = router(node.info).htlcInterceptor(macaroonOf(node.info));
  const ended = streamError(stream);
  const offers: ForwardHtlcInterceptRequest[] = [];
  stream.on('data', (offer: ForwardHtlcInterceptRequest) => offers.push(offer));
  const { interceptorConnects } = (await node.control.getState()).counters!;
  await until(
    async () => (await node.control.getState()).counters!.interceptorConnects > interceptorConnects - 1n,
  );
  return { stream, ended, offers };
}

function bulkOffer(ref: bigint, expiry = 300) {
  return {
    ...{
      ref,
      chanId: 5n,
      paymentHash: Buffer.from(HASH, 'hex'),
      incomingAmountMsat: 1_100n,
      incomingExpiry: expiry,
    },
    ...{ outgoingAmountMsat: 1_000n, outgoingExpiry: 250, outgoingChanId: 2n ** 63n + 1n },
    onionBlob: Buffer.alloc(1366, 7),
  };
}

describe('certificate', () => {
  it('is one that TLS accepts as its own authority for localhost and 127.0.0.1', async () => {
    const parsed = new X509Certificate(selfSignedCertificate('alice').cert);
    expect(parsed.checkHost('localhost')).toBe('localhost');
    expect(parsed.checkHost('alice')).toBe('alice');
    expect(parsed.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(parsed.checkIP('::1')).toBe('::1');
    expect(parsed.ca).toBe(true);
    expect(parsed.verify(parsed.publicKey)).toBe(true);

    const { info } = await startNode();
    const [host, port] = info.lndUrl.split(':');
    const authorized = await new Promise((resolve) => {
      const ca = readFileSync(info.tlsCertPath);
      const socket = tlsConnect({ host: host!, port: Number(port), ca, ALPNProtocols: ['h2'] }, () => {
        resolve(socket.authorized);
        socket.destroy();
      });
      socket.on('error', () => resolve(false));
    });
    expect(authorized).toBe(true);
  });
});

describe('identity and macaroon', () => {
  it('tells who it is', async () => {
    const { info } = await startNode({ network: 'testnet3', height: 7 });
    expect(await getInfo(info)).toMatchObject({
      identityPubkey: info.pubkey,
      alias: 'alice',
      blockHeight: 7,
      syncedToChain: true,
      requireHtlcInterceptor: true,
      storeFinalHtlcResolutions: true,
      chains: [{ network: 'testnet' }],
    });
    expect(await getVersion(info)).toMatchObject({
      ...{ version: '0.21.2-beta', appMajor: 0, appMinor: 21, appPatch: 2, appPreRelease: 'beta' },
    });
  });

  it('refuses a call without macaroon or with another, on every service', async () => {
    const { info } = await startNode();
    const other = new Metadata();
    other.set('macaroon', 'ab'.repeat(64));
    await expect(getInfo(info, new Metadata())).rejects.toMatchObject({
      code: 2,
      details: /expected 1 macaroon/,
    });
    await expect(getInfo(info, other)).rejects.toMatchObject({ code: 2, details: 'permission denied' });
    const streams = [
      router(info).htlcInterceptor(other),
      router(info)
        .subscribeHtlcEvents({}, other)
        .on('data', () => {}),
      lndClient(ChainNotifierClient, info)
        .registerBlockEpochNtfn({ height: 0, hash: Buffer.alloc(0) }, other)
        .on('data', () => {}),
    ];
    for (const stream of streams) expect((await streamError(stream)).details).toBe('permission denied');
  });

  it('shows the faults that change what it tells', async () => {
    const { info, control } = await startNode();
    await control.setFault({
      ...{ unsynced: true, requireInterceptorOff: true, storeFinalsOff: true },
      ...{ wrongPubkey: `02${'ab'.repeat(32)}`, wrongNetwork: 'mainnet', wrongVersion: '0.15.5-beta.rc1' },
    });
    expect(await getInfo(info)).toMatchObject({
      identityPubkey: `02${'ab'.repeat(32)}`,
      syncedToChain: false,
      requireHtlcInterceptor: false,
      storeFinalHtlcResolutions: false,
      chains: [{ network: 'mainnet' }],
    });
    expect(await getVersion(info)).toMatchObject({ appMinor: 15, appPatch: 5, appPreRelease: 'beta.rc1' });
    await expect(lookup(info, 1n, 1n)).rejects.toMatchObject({ code: 14 });
    await control.setFault({ starting: true });
    await expect(getInfo(info)).rejects.toMatchObject({ code: 2 });
    await control.setFault({ starting: false, notifierStarting: true });
    const blocks = lndClient(ChainNotifierClient, info)
      .registerBlockEpochNtfn({ height: 0, hash: Buffer.alloc(0) }, macaroonOf(info))
      .on('data', () => {});
    expect(await streamError(blocks)).toMatchObject({
      code: 14,
      details: /still in the process of starting/,
    });
    await control.setFault({ notifierStarting: false, storeFinalsOff: false, wrongPubkey: '' });
    expect((await getInfo(info)).identityPubkey).toBe(info.pubkey);
    await expect(lookup(info, 1n, 1n)).rejects.toMatchObject({ code: 5, details: 'htlc unknown' });
  });
});

describe('the release series', () => {
  it.each([
    ['0.20', 'L', '0.20.1', 2],
    ['0.20', 'N', '0.20.3', 2],
    ['0.21', 'L', '0.21.0', 14],
    ['0.21', 'N', '0.21.2', 14],
  ] as const)('%s in epoch %s is lnd %s', async (series, epoch, version, code) => {
    const { info, control } = await startNode({ series, epoch });
    expect((await getInfo(info)).version).toContain(`${version}-beta`);
    await control.setFault({ notifierStarting: true });
    const blocks = lndClient(ChainNotifierClient, info)
      .registerBlockEpochNtfn({ height: 0, hash: Buffer.alloc(0) }, macaroonOf(info))
      .on('data', () => {});
    expect(await streamError(blocks)).toMatchObject({ code });
  });
});

describe('streams', () => {
  it('offers in bulk, answers with times, and tells the final event to a subscriber', async () => {
    const node = await startNode();
    const events: HtlcEvent[] = [];
    const subscription = router(node.info).subscribeHtlcEvents({}, macaroonOf(node.info));
    subscription.on('data', (event: HtlcEvent) => events.push(event)).on('error', () => {});
    await until(() => events.length === 1);
    expect(events[0]?.event?.$case).toBe('subscribedEvent');

    const { stream, offers } = await openInterceptor(node);
    stream.on('data', (offer: ForwardHtlcInterceptRequest) =>
      respond(stream, offer, { action: 0, preimage: Buffer.from(PREIMAGE) }),
    );
    const bulk = node.control.offerBulk();
    const answers: { ref: bigint; result: number; offeredUs: bigint; answeredUs: bigint }[] = [];
    bulk.on('data', (batch) => answers.push(...batch.answers));
    bulk.write({ offers: [1n, 2n, 3n].map((ref) => bulkOffer(ref)) });
    bulk.write({ offers: [bulkOffer(4n, 110)] });
    bulk.end();
    await new Promise((resolve) => bulk.on('end', resolve));
    expect(answers.map(({ ref }) => ref).toSorted()).toEqual([1n, 2n, 3n, 4n]);
    expect(answers.filter(({ result }) => result === BulkResult.SETTLED)).toHaveLength(3);
    expect(answers.find(({ ref }) => ref === 4n)?.result).toBe(BulkResult.FAILED_BY_NODE);
    for (const { ref, offeredUs, answeredUs } of answers) {
      if (ref !== 4n) expect(answeredUs).toBeGreaterThan(offeredUs);
    }
    expect(offers[0]?.onionBlob.equals(Buffer.alloc(1366, 7))).toBe(true);
    await until(() => events.filter(({ event }) => event?.$case === 'finalHtlcEvent').length === 4);
    expect(await lookup(node.info, 5n, 0n)).toEqual({ settled: true, offchain: true });
    subscription.cancel();
  });

  it('gives the second client an error, and frees the slot when the first goes', async () => {
    const node = await startNode();
    const first = await openInterceptor(node);
    const second = router(node.info).htlcInterceptor(macaroonOf(node.info));
    expect(await streamError(second)).toMatchObject({ code: 2, details: 'interceptor already exists' });
    first.stream.cancel();
    await until(async () => !(await node.control.getState()).interceptorConnected);
    const third = await openInterceptor(node);
    third.stream.end();
    expect((await third.ended).details).toBe('EOF');
    await until(async () => !(await node.control.getState()).interceptorConnected);
  });

  it('keeps the slot of a vanished client while it is half open', async () => {
    const node = await startNode();
    const first = await openInterceptor(node);
    await node.control.setFault({ halfOpenSlot: true });
    first.stream.cancel();
    await first.ended;
    const refused = streamError(router(node.info).htlcInterceptor(macaroonOf(node.info)));
    expect((await refused).details).toBe('interceptor already exists');
    const state = await node.control.setFault({ halfOpenSlot: false });
    expect(state.interceptorConnected).toBe(false);
  });

  it('ends the stream with the error of a bad answer, on the wire', async () => {
    const node = await startNode();
    const { stream, ended } = await openInterceptor(node);
    respond(
      stream,
      { incomingCircuitKey: { chanId: (1n << 40n) | (2n << 16n) | 3n, htlcId: 4n } },
      { action: 2 },
    );
    expect(await ended).toMatchObject({
      code: 2,
      details: 'forward does not exist: (Chan ID=1:2:3, HTLC ID=4)',
    });
    expect((await node.control.getState()).counters?.answerFaults).toBe(1n);
  });

  it('tells the tip at once, then every block, also those of a reorganisation', async () => {
    const { info, control } = await startNode({ height: 50 });
    const client = lndClient(ChainNotifierClient, info);
    const heights: number[] = [];
    const stream = client.registerBlockEpochNtfn({ height: 0, hash: Buffer.alloc(0) }, macaroonOf(info));
    stream.on('data', ({ height }: BlockEpoch) => heights.push(height)).on('error', () => {});
    await until(() => heights.length === 1);
    await control.mine(2);
    await control.reorg(1);
    await until(() => heights.length === 4);
    expect(heights).toEqual([50, 51, 52, 52]);
    stream.cancel();
  });

  it('cuts streams on request and refuses everything while lnd is down', async () => {
    const node = await startNode();
    const { ended } = await openInterceptor(node);
    const events = router(node.info).subscribeHtlcEvents({}, macaroonOf(node.info));
    const eventsEnded = streamError(events);
    await new Promise((resolve) => events.once('data', resolve));
    await node.control.disconnect(true);
    expect([(await ended).code, (await eventsEnded).code]).toEqual([14, 14]);
    const restarting = node.control.restart(300);
    await until(async () => !(await node.control.getState()).running);
    await expect(getInfo(node.info)).rejects.toMatchObject({ code: 2 } satisfies Partial<ServiceError>);
    await restarting;
    expect((await getInfo(node.info)).alias).toBe('alice');
  });
});
