import { deadlineHeight } from '../../domain/barrier.ts';
import type { NodeId } from '../../domain/hash.ts';
import type { Msat } from '../../domain/msat.ts';
import { lowestAutoFailHeight, type Part, sumOfParts } from '../../domain/part.ts';
import type { HtlcSetContext } from '../../machines/htlcSet/events.ts';
import type { DeadlineReport, InvoiceReport, InvoiceState, PartReport } from '../ports/invoiceReport.ts';
import type { NodeLink } from '../ports/nodeLink.ts';
import type { InvoiceEntry, SetEntry } from '../supervisor/entries.ts';
import { nodes, reasonInWords, seconds, waitsForEnd } from './words.ts';

/** What a report needs to know of the world. */
export interface ReportWorld {
  /** For people: the node's name in the configuration. */
  nodeName(nodeId: NodeId): string;
  link(nodeId: NodeId): NodeLink | undefined;
  height(): number;
  deadlineMargin(): number;
  timeLeft(set: SetEntry): number | undefined;
  /** What the part's node keeps of it. */
  feeMsat(part: Part): Msat | undefined;
}

/** The set's state without its inner ones, `complete` for a set that is just being spawned. */
function phaseOf(set: SetEntry): { readonly phase: string; readonly inDoubt: boolean } {
  const { value } = set.actor.getSnapshot();
  if (typeof value === 'string') return { phase: value, inDoubt: false };
  const [phase = '', inner] = Object.entries(value)[0] ?? [];
  return { phase, inDoubt: inner === 'unknown' };
}

const FAILING: ReadonlySet<string> = new Set(['failing', 'failed', 'aborting']);

const isOffered = (world: ReportWorld, part: Part): boolean => {
  const link = world.link(part.key.nodeId);
  return link?.ready === true && link.awaitsAnswer(part.key) && !link.doubtful?.(part.key);
};

function partOf(world: ReportWorld, part: Part, phase: string, context: HtlcSetContext): PartReport {
  const reported = context.reported.find(({ partId }) => partId === part.id);
  const status = reported
    ? reported.settled
      ? 'settled'
      : 'failed'
    : FAILING.has(phase)
      ? 'failing'
      : phase === 'released'
        ? 'settling'
        : isOffered(world, part)
          ? 'held'
          : 'absent';
  return {
    key: part.key,
    nodeName: world.nodeName(part.key.nodeId),
    amountMsat: part.amountMsat,
    feeMsat: world.feeMsat(part),
    cltvExpiry: part.cltvExpiry === 0 ? undefined : part.cltvExpiry,
    autoFailHeight: Number.isFinite(part.autoFailHeight) ? part.autoFailHeight : undefined,
    status,
    failureReason: FAILING.has(phase) ? context.doom : undefined,
  };
}

/** The parts of a set as they are reported. */
export function partsOfSet(world: ReportWorld, set: SetEntry): PartReport[] {
  const { phase } = phaseOf(set);
  const { context } = set.actor.getSnapshot();
  return context.parts.map((part) => partOf(world, part, phase, context));
}

export function deadlineOf(world: ReportWorld, parts: readonly Part[]): DeadlineReport | undefined {
  if (!Number.isFinite(lowestAutoFailHeight(parts))) return undefined;
  const height = deadlineHeight(parts, world.deadlineMargin());
  return { height, blocksLeft: Math.max(0, height - world.height()) };
}

/** Why a part keeps the release waiting, by the name of its node. */
function obstacles(world: ReportWorld, parts: readonly Part[]): string {
  const unready = new Set<string>();
  const unoffered = new Set<string>();
  for (const part of parts) {
    if (isOffered(world, part)) continue;
    const name = world.nodeName(part.key.nodeId);
    (world.link(part.key.nodeId)?.ready ? unoffered : unready).add(name);
  }
  const waits = [
    ...(unready.size > 0 ? [`for ${nodes(unready)} to be connected and synced`] : []),
    ...(unoffered.size > 0
      ? [`for ${nodes(unoffered)} to offer ${unoffered.size === 1 ? 'its part' : 'their parts'} again`]
      : []),
  ];
  return waits.length > 0
    ? waits.join(', and ')
    : 'for the next look at the release barrier, within a second';
}

const IN_DOUBT = 'the database gave no clean answer, so the same write is repeated until it does';

function explain(world: ReportWorld, set: SetEntry, totalMsat: bigint): string {
  const { phase, inDoubt } = phaseOf(set);
  const { parts, doom, reported } = set.actor.getSnapshot().context;
  const left = world.timeLeft(set);
  const within = left === undefined ? '' : `, for at most ${seconds(left)} more`;
  switch (phase) {
    case 'collecting':
      return `Waits for the rest of the payment: ${sumOfParts(parts)} of ${totalMsat} msat are here${within}.`;
    case 'complete':
      return `Waits for the application to settle or cancel${within}.`;
    case 'requesting':
      return `The settle request is being written${inDoubt ? `: ${IN_DOUBT}` : ''}.`;
    case 'releasing':
      return `The release is being written${inDoubt ? `: ${IN_DOUBT}` : ''}.`;
    case 'requested':
    case 'withheld':
      return `Settlement is requested, and the preimage waits ${obstacles(world, parts)}.`;
    case 'released': {
      const open = parts.filter((part) => !reported.some(({ partId }) => partId === part.id));
      const names = new Set(open.map((part) => world.nodeName(part.key.nodeId)));
      if (open.length === 0) return 'Every part is final, which is being recorded.';
      return waitsForEnd(names, open.length, parts.length);
    }
    case 'aborting':
    case 'failing':
      return `Given back, which is being written${inDoubt ? ` (${IN_DOUBT})` : ''}: ${reasonInWords(doom ?? '')}.`;
    case 'failed':
      return `Given back: ${reasonInWords(doom ?? '')}.`;
    default:
      return 'Its last step is being taken.';
  }
}

/** The API's state of an invoice that has a set under way. A request counts once it is durable. */
function stateOf(entry: InvoiceEntry): InvoiceState {
  const { value } = entry.actor.getSnapshot();
  if (typeof value !== 'string') {
    return Object.values(value)[0] === 'committing' ? 'accepted' : 'settle_requested';
  }
  return value === 'accepted' || value === 'settled' || value === 'failed' ? value : 'open';
}

const NOTHING = {
  failureReason: undefined,
  setId: undefined,
  totalMsat: 0n,
  receivedMsat: 0n,
  settledMsat: 0n,
  parts: [],
  deadline: undefined,
  timeoutMs: undefined,
  settleRequestedAt: undefined,
  finalizedAt: undefined,
  sequenceNumber: undefined,
} as const;

/** The report of an invoice in memory. What only its row knows (times, what was settled) is for the caller to add. */
export function liveReport(world: ReportWorld, entry: InvoiceEntry): InvoiceReport {
  const { context } = entry.actor.getSnapshot();
  const { current, terms, paymentHash } = context;
  const set = entry.sets.find(({ attempt }) => attempt === current?.attempt);
  const base = { ...NOTHING, paymentHash, state: stateOf(entry), amountMsat: terms.amountMsat };
  const others = entry.sets.filter((other) => other !== set);
  const otherParts = others.flatMap((other) => partsOfSet(world, other));
  if (!set || !current) return withoutSet(world, { ...base, parts: otherParts }, others.at(-1));
  const { parts } = set.actor.getSnapshot().context;
  return {
    ...base,
    phase: phaseOf(set).phase,
    explanation: explain(world, set, current.totalMsat),
    setId: current.setId,
    totalMsat: current.totalMsat,
    receivedMsat: sumOfParts(parts),
    parts: [...partsOfSet(world, set), ...otherParts],
    deadline: deadlineOf(world, parts),
    timeoutMs: world.timeLeft(set),
  };
}

/** Nothing is under way but sets that are being given back: the last of them says why. */
function withoutSet(
  world: ReportWorld,
  base: Omit<InvoiceReport, 'phase' | 'explanation'>,
  last: SetEntry | undefined,
): InvoiceReport {
  if (!last) return { ...base, phase: 'none', explanation: 'Nothing of it is under way.' };
  const { doom } = last.actor.getSnapshot().context;
  return {
    ...base,
    phase: phaseOf(last).phase,
    explanation: explain(world, last, 0n),
    failureReason: doom,
  };
}
