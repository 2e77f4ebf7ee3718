import { createNodeLink } from '../../src/actors/nodeLink/nodeLink.ts';
import type { NodeLinkConfig, NodeLinkDeps } from '../../src/actors/nodeLink/nodeLinkConfig.ts';
import type { Log, LogFields } from '../../src/actors/ports/log.ts';
import type { FinalHtlc, HtlcOffer, NodeLinkListener } from '../../src/actors/ports/nodeLink.ts';
import type { NodeId } from '../../src/domain/hash.ts';
import type { CircuitKey } from '../../src/domain/htlcKey.ts';
import { virtualChannelId } from '../../src/domain/virtualChannel.ts';
import { FakeLnd } from './fakeLnd.ts';
import { ManualClock } from './manualClock.ts';

export const NODE = '02e1ce77dfdda9fd1cf5e9d796faf57d1cedef9803aec84a6d7f8487d32781341e' as NodeId;
export const OURS = virtualChannelId(NODE);
export const FOREIGN = 42n;

/** Keeps what is logged. */
export function memoryLog(lines: { level: string; message: string; fields: LogFields }[]): Log {
  const at = (level: string, base: LogFields) => (fields: LogFields, message: string) => {
    lines.push({ level, message, fields: { ...base, ...fields } });
  };
  const make = (base: LogFields): Log => ({
    debug: at('debug', base),
    info: at('info', base),
    warn: at('warn', base),
    error: at('error', base),
    child: (fields) => make({ ...base, ...fields }),
  });
  return make({});
}

/** Lets promises that are already decided have their say. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/** A node link between a fake lnd and a listener that writes down what it is told. */
export function rig(
  config: Partial<NodeLinkConfig> = {},
  systemOn?: (clock: ManualClock) => NonNullable<NodeLinkDeps['system']>,
) {
  const clock = new ManualClock();
  const lnd = new FakeLnd(NODE);
  const lines: { level: string; message: string; fields: LogFields }[] = [];
  const heard: string[] = [];
  const offers: HtlcOffer[] = [];
  const finals: FinalHtlc[] = [];
  const turns: (() => void)[] = [];
  const hooks = {
    unresolved: [] as CircuitKey[],
    missing: [] as CircuitKey[],
    onOffer: undefined as ((offer: HtlcOffer) => void) | undefined,
    throwing: false,
  };
  const hear = (what: string) => {
    heard.push(what);
    if (hooks.throwing) throw new Error(`listener: ${what}`);
  };
  const listener: NodeLinkListener = {
    offered(_link, offer) {
      offers.push(offer);
      hooks.onOffer?.(offer);
      hear('offered');
    },
    offersEnd: () => hear('offersEnd'),
    finalised(_link, final) {
      finals.push(final);
      hear('finalised');
    },
    heightChanged: (_link, height) => hear(`height ${height}`),
    connected: (link) => hear(`connected ${link.streamId}`),
    disconnected: (link, reason) => hear(`disconnected ${link.streamId} ${reason}`),
    readinessChanged: (link) => hear(`ready ${link.ready}`),
    unresolved: () => hooks.unresolved,
    missing: () => hooks.missing,
  };
  const link = createNodeLink({
    config: { nodeId: NODE, network: 'regtest', ...config },
    client: lnd,
    listener,
    clock,
    log: memoryLog(lines),
    random: () => 0.5,
    turnEnd: (fn) => turns.push(fn),
    ...(systemOn ? { system: systemOn(clock) } : {}),
  });
  return {
    clock,
    lnd,
    link,
    lines,
    heard,
    offers,
    finals,
    hooks,
    endTurn: () => {
      for (const fn of turns.splice(0)) fn();
    },
    messages: () => lines.map((l) => l.message),
    /** Goes through a whole connection, up to the interceptor's grace period. */
    async connect(height = 100) {
      if (link.status().state === 'disconnected') link.start();
      await settle();
      lnd.last.events!.subscribed();
      lnd.last.blocks!.block(height);
      clock.advance(500);
      return lnd.last;
    },
  };
}
