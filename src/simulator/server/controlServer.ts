import { Server, type sendUnaryData } from '@grpc/grpc-js';
import { type ControlServer as ControlApi, ControlService, type State } from '../../generated/simulator.ts';
import { unavailable } from '../node/faults.ts';
import { offerBulk } from './bulk.ts';
import type { NodeContext } from './context.ts';
import type { LndServer } from './lndServer.ts';
import { sendHtlc } from './senders.ts';

const CUT = unavailable('connection cut');

/** What the control API needs besides the node: the server whose streams it cuts, and a way to restart lnd. */
export interface ControlParts {
  readonly context: NodeContext;
  readonly lnd: LndServer;
  restart(downMs: number): Promise<void>;
}

/** simulator.Control in front of the core. */
export function createControlServer(parts: ControlParts): Server {
  const server = new Server({ 'grpc.max_receive_message_length': 64 * 1024 * 1024 });
  server.addService(ControlService, controlApi(parts));
  return server;
}

function controlApi({ context, lnd, restart }: ControlParts): ControlApi {
  const { node, faults } = context;
  const then = (callback: sendUnaryData<State>, run: () => void) => {
    run();
    callback(null, stateOf(context));
  };
  return {
    sendHtlc: (call) => sendHtlc(context, call),
    offerBulk: (call) => offerBulk(context, call),
    getState: (_call, callback) => then(callback, () => {}),
    listHtlcs: (_call, callback) => callback(null, { htlcs: node.pending().map(pendingMessage) }),
    mine: ({ request }, callback) => then(callback, () => node.mine(Math.max(1, request.blocks))),
    reorg: ({ request }, callback) => then(callback, () => node.reorg(Math.max(1, request.blocks))),
    disconnect: ({ request }, callback) =>
      then(callback, () => {
        node.dropClient(CUT);
        if (request.allStreams) lnd.endSubscriptions(CUT);
      }),
    restart: ({ request }, callback) => {
      restart(request.downMs).then(() => callback(null, stateOf(context)));
    },
    relink: ({ request }, callback) =>
      then(callback, () => {
        node.unlink(request.chanId);
        if (!request.down) node.relink(request.chanId);
      }),
    sign: ({ request }, callback) =>
      then(callback, () => {
        node.sign(request.chanId);
        if (request.finalise) node.finalise(request.chanId);
      }),
    forceClose: ({ request }, callback) => then(callback, () => node.forceClose(request.chanId)),
    setFault: ({ request }, callback) =>
      then(callback, () => {
        faults.change(request);
        lnd.interceptorStreams.reap();
      }),
  };
}

type Pending = ReturnType<NodeContext['node']['pending']>[number];

function pendingMessage({ htlc, autoFailHeight }: Pending) {
  return {
    chanId: htlc.chanId,
    htlcId: htlc.htlcId,
    paymentHash: Buffer.from(htlc.paymentHash, 'hex'),
    incomingAmountMsat: htlc.incomingAmountMsat,
    incomingExpiry: htlc.incomingExpiry,
    stage: htlc.stage,
    held: autoFailHeight !== undefined,
    onChain: htlc.onChain,
    autoFailHeight: autoFailHeight ?? 0,
  };
}

function stateOf({ node, hub, faults, identity }: NodeContext): State {
  const { counters } = hub;
  return {
    name: identity.name,
    pubkey: Buffer.from(identity.pubkey, 'hex'),
    network: identity.network,
    height: node.height,
    running: node.isUp,
    interceptorConnected: node.isIntercepted,
    held: node.heldCount,
    pending: node.pending().length,
    finals: BigInt(node.finalCount()),
    counters: {
      offered: BigInt(counters.offered),
      answered: BigInt(counters.answered),
      settled: BigInt(counters.settled),
      failed: BigInt(counters.failed),
      answerFaults: BigInt(counters.answerFaults),
      interceptorConnects: BigInt(counters.interceptorConnects),
      restarts: BigInt(counters.restarts),
    },
    faults: faults.current,
    receivedMsat: node.receivedMsat,
  };
}
