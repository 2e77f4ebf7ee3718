import { credentials } from '@grpc/grpc-js';
import type { NodeId } from '../../src/domain/hash.ts';
import { virtualChannelId } from '../../src/domain/virtualChannel.ts';
import { ServiceClient } from '../../src/generated/lnmux.ts';
import { IDENTITY_KEY } from '../system/daemon.ts';
import { Application } from './application.ts';
import { Cluster } from './cluster.ts';
import { addInvoices } from './invoices.ts';
import { closedLoop, openLoop, type Pids } from './loops.ts';
import { preparePayments } from './payments.ts';
import type { ClosedLoop, LoadCalls, LoadReply, LoadRequest, LoadResult, OpenLoop } from './protocol.ts';
import { replay } from './replay.ts';
import { nowUs, Sender } from './sender.ts';
import { SlowSubscriber } from './slowSubscriber.ts';
import { type Sent, verifySettled } from './verify.ts';

/** Above what any machine of today does, per second: payments of a closed loop are prepared for it. */
const FASTEST = 8_000;
/** Blocks from the tip to the expiry of HTLCs. */
const EXPIRY_BLOCKS = 200;
const HOLD_TIMEOUT_MS = 600_000;

/** The application is connected, and what is needed to send payments. */
interface Connection {
  readonly application: Application;
  readonly pids: Pids;
  readonly dsn: string;
}

/** The load process: simulated lnd nodes, payers and the application in one, so that it costs little CPU. */
class LoadWorker implements LoadCalls {
  #cluster: Cluster | undefined;
  #connection: Connection | undefined;
  #sent: Sent[] = [];
  #slow: SlowSubscriber | undefined;
  #address = '';

  async startCluster({ dir, nodes }: { dir: string; nodes: number }) {
    this.#cluster = await Cluster.start(dir, nodes);
    return this.#cluster.infos;
  }

  async connect({ address, pids, dsn }: Parameters<LoadCalls['connect']>[0]) {
    const application = new Application(address);
    this.#address = address;
    this.#connection = { application, pids: { ...pids, load: process.pid }, dsn };
    this.#sent = [];
    await application.ready();
    await this.#running.cluster.intercepted();
  }

  async disconnect() {
    this.#connection?.application.close();
    this.#connection = undefined;
  }

  get #running(): Connection & { readonly cluster: Cluster } {
    if (!this.#cluster) throw new Error('there is no cluster');
    if (!this.#connection) return { cluster: this.#cluster } as Connection & { cluster: Cluster };
    return { ...this.#connection, cluster: this.#cluster };
  }

  #senderOf(count: number, parts: number): Sender {
    const { cluster } = this.#running;
    const payments = preparePayments({
      identityKey: Buffer.from(IDENTITY_KEY, 'hex'),
      count,
      parts,
      outgoingExpiry: cluster.nodes[0]!.node.height + EXPIRY_BLOCKS,
    });
    const channels = cluster.infos.map(({ pubkey }) => virtualChannelId(pubkey as NodeId));
    return new Sender(cluster, payments, channels);
  }

  openLoop(input: OpenLoop) {
    const sender = this.#senderOf(Math.ceil(input.ratePerSecond * input.seconds), input.parts);
    return this.#measured(sender, (pids) => openLoop(sender, pids, input));
  }

  closedLoop(input: ClosedLoop) {
    const most = input.maxPayments ?? Math.ceil((FASTEST * input.seconds) / input.parts);
    const sender = this.#senderOf(most, input.parts);
    return this.#measured(sender, (pids) => closedLoop(sender, pids, input));
  }

  async #measured(sender: Sender, run: (pids: Pids) => Promise<LoadResult>): Promise<LoadResult> {
    const { application, pids, cluster } = this.#running;
    application.behaviour = 'settle';
    const before = cluster.answerFaults;
    const result = await run(pids);
    this.#sent.push({ hashes: sender.payments.hashes.slice(0, sender.sent), parts: sender.payments.parts });
    const closed = cluster.answerFaults - before;
    return {
      ...result,
      faults: {
        ...result.faults,
        ...application.faults,
        ...(closed > 0 ? { 'streams closed for a wrong answer': closed } : {}),
      },
    };
  }

  async hold({ count, inFlight }: { count: number; inFlight: number }) {
    const { application } = this.#running;
    const sender = this.#senderOf(count, 1);
    application.behaviour = 'hold';
    const before = application.accepted;
    const start = performance.now();
    await new Promise<void>((done, failed) => {
      const timeout = setTimeout(() => failed(new Error('held payments are not accepted')), HOLD_TIMEOUT_MS);
      const refill = () => {
        const accepted = application.accepted - before;
        while (sender.sent < count && sender.sent - accepted < inFlight) sender.send(nowUs());
        if (accepted < count) return;
        clearTimeout(timeout);
        done();
      };
      application.onAccepted = refill;
      refill();
    });
    application.onAccepted = () => {};
    return { held: count, perSecond: count / ((performance.now() - start) / 1000) };
  }

  async replay({ count, inFlight }: { count: number; inFlight: number }) {
    const { application, cluster, pids } = this.#running;
    const sender = this.#senderOf(count, 1);
    application.behaviour = 'settle';
    const result = await replay(cluster, sender, pids.daemon, inFlight);
    this.#sent.push({ hashes: sender.payments.hashes, parts: 1 });
    return { ...result, faults: { ...result.faults, ...application.faults } };
  }

  async slowSubscriber({ open }: { open: boolean }) {
    if (open) this.#slow = await SlowSubscriber.open(this.#address);
    const received = this.#slow?.received ?? 0;
    if (!open) this.#slow?.close();
    return { received };
  }

  async verify() {
    const finalLagMs = await verifySettled(this.#running.dsn, this.#sent);
    const payments = this.#sent.reduce((sum, { hashes }) => sum + hashes.length, 0);
    this.#sent = [];
    return { payments, finalLagMs };
  }

  addInvoices(input: { seconds: number; concurrency: number }) {
    const { application, pids } = this.#running;
    return addInvoices(application.client, pids.daemon, input);
  }

  async getInfo({ address }: { address: string }) {
    const start = performance.now();
    const client = new ServiceClient(address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    await new Promise<void>((done, failed) => {
      client.getInfo({}, (error) => (error ? failed(error) : done()));
    });
    client.close();
    return performance.now() - start;
  }
}

const worker = new LoadWorker();
const reply = (message: LoadReply) => void process.send!(message);

process.on('message', ({ id, call, input }: LoadRequest) => {
  (worker[call] as (input: unknown) => Promise<unknown>).call(worker, input).then(
    (result) => reply({ id, result }),
    (error: unknown) =>
      reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
// Ctrl-C reaches every process of the terminal; the parent ends us when it has cleaned up.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit());
