import { ROW_NAMES } from '../daemon/ops.ts';
import { bitsOf } from '../scene.ts';
import { labelA, labelB, labelStep, STEP } from '../world/labels.ts';
import {
  FAILS,
  HEIGHT,
  HTLC_NAMES,
  htlcAt,
  linksAt,
  PHASE,
  phaseAt,
  ROW_MEMBERS,
  ROW_STATUS,
  WORDS,
} from '../world/layout.ts';
import type { Steps } from '../world/steps.ts';
import type { World } from '../world/world.ts';
import type { StateStore } from './stateStore.ts';

export interface StoryLine {
  readonly step: string;
  /** The world afterwards. */
  readonly picture: string;
}

/** How the world came to state `to` on a shortest way, and then did `last`. */
export function storyTo(
  world: World,
  steps: Steps,
  store: StateStore,
  to: number,
  last?: number,
): StoryLine[] {
  const path: number[] = [];
  for (let at = to; at !== 0; at = store.parentOf(at)) path.push(at);
  path.push(0);
  path.reverse();
  const lines: StoryLine[] = [];
  // States in the store stand for others with other names; the story keeps to one's own.
  const now = world.initial();
  for (let i = 0; i < path.length; i++) {
    const next = path[i + 1];
    world.load(now, 0);
    let line: StoryLine | undefined;
    steps.expand((label) => {
      if (line !== undefined) return;
      const isIt = next === undefined ? isEnd(world, label, last) : isState(world, store, next);
      if (!isIt) {
        world.laws.violation = undefined;
        return;
      }
      line = { step: sentenceOf(world, label), picture: pictureOf(world) };
      now.set(world.words);
    });
    if (line) lines.push(line);
  }
  world.laws.violation = undefined;
  return lines;
}

function isEnd({ laws }: World, label: number, last: number | undefined): boolean {
  return last !== undefined && laws.violation !== undefined && labelStep(label) === labelStep(last);
}

function isState(world: World, store: StateStore, index: number): boolean {
  const words = world.standIn();
  const chunk = store.chunkOf(index);
  const at = store.offsetOf(index);
  for (let i = 0; i < WORDS; i++) if (chunk[at + i] !== words[i]) return false;
  return true;
}

const htlc = (k: number) => `h${k + 1}`;
const node = (n: number) => `node ${'AB'[n]}`;
const set = (mask: number) => bitsOf(mask).map(htlc).join('+');
const lostOf = (mask: number) => (mask ? `; the answers to ${set(mask)} are lost` : '');

function sentenceOf(world: World, label: number): string {
  const a = labelA(label);
  const b = labelB(label);
  const who = world.scope.daemons === 1 ? 'the daemon' : `daemon ${a + 1}`;
  switch (labelStep(label)) {
    case STEP.send:
      return `the payer sends ${htlc(a)} by ${node(world.scene.nodeOf[a]!)}`;
    case STEP.settleCall:
      return `the application calls ${who}: settle ${set(b)}`;
    case STEP.cancelCall:
      return `the application calls ${who}: cancel ${set(b)}`;
    case STEP.block:
      return 'a block';
    case STEP.takeover:
      return `the lease of the leader runs out while it sleeps: ${who} takes over`;
    case STEP.crash:
      return `CRASH of ${who}${b >> 4 ? ', its statement is executed all the same' : ''}${lostOf(b & 15)}`;
    case STEP.disconnect:
      return `${node(a)} DISCONNECTS${lostOf(b)}`;
    case STEP.lndRestart:
      return `${node(a)} RESTARTS, its mailbox is lost`;
    case STEP.ambiguous:
      return `NO CLEAN ACKNOWLEDGEMENT for ${who}: ${['not written', 'written', 'the server still has it'][b]}`;
    case STEP.dbError:
      return `the database FAILS the statement of ${who}`;
    case STEP.unsync:
      return `${node(a)} is NOT READY any more`;
    default:
      return healingSentence(labelStep(label), a, b, who);
  }
}

function healingSentence(step: number, a: number, b: number, who: string): string {
  switch (step) {
    case STEP.start:
      return `${who} starts and takes the lead`;
    case STEP.recover:
      return `${who} reads what is pending`;
    case STEP.connect:
      return `${who} opens the interceptor of ${node(b)}`;
    case STEP.deliver:
      return `${who} is offered ${htlc(b)}`;
    case STEP.admit:
      return `${who} has read the onion of ${htlc(b)} and looked for its row`;
    case STEP.readmit:
      return `${who} takes ${htlc(b)} up again`;
    case STEP.final:
      return `${htlc(a)} becomes final at its node`;
    case STEP.event:
      return `${who} hears that ${htlc(b)} is final`;
    case STEP.lookup:
      return `${who} looks up that ${htlc(b)} is final`;
    case STEP.execute:
      return `the database executes the statement of ${who}`;
    case STEP.acknowledge:
      return `the database acknowledges the statement of ${who}`;
    case STEP.ghostExecutes:
      return 'the statement that was in doubt is executed late';
    case STEP.ghostVanishes:
      return 'the statement that was in doubt comes to nothing';
    case STEP.record:
      return `${who} records the end of ${htlc(b)}`;
    case STEP.timer:
      return `a timer of ${who} fires`;
    case STEP.look:
      return `${who} looks at the waiting set again`;
    case STEP.notice:
      return `${who} notices that the stream of ${node(b)} is gone`;
    case STEP.kick:
      return `${node(b & 15)} ends the stream of ${who}, which sleeps${lostOf(b >> 4)}`;
    case STEP.exit:
      return `${who} is fenced and exits${lostOf(b)}`;
    default:
      return `${node(a)} is ready again`;
  }
}

function pictureOf(world: World): string {
  const { s, scope, scene } = world;
  const htlcs = scene.parts.map((_, k) => `${htlc(k)} ${HTLC_NAMES[s[htlcAt(k)]!]}`).join(', ');
  const status = s[ROW_STATUS]!;
  const row = status === 0 ? 'no row' : `row ${set(s[ROW_MEMBERS]!)} ${ROW_NAMES[status]}`;
  const fails = s[FAILS] ? `, durably failed ${set(s[FAILS]!)}` : '';
  const daemons = Array.from({ length: scope.daemons }, (_, d) => {
    const phase = s[phaseAt(d)];
    const name = scope.daemons === 1 ? 'daemon' : `daemon ${d + 1}`;
    if (phase === PHASE.dead) return `${name} down`;
    if (phase === PHASE.starting) return `${name} starting`;
    const links = bitsOf(s[linksAt(d)]!).map((n) => 'AB'[n]);
    return `${name}${phase === PHASE.fenced ? ' fenced' : ''} on [${links.join('')}]: ${world.info(d).story}`;
  });
  return `height ${s[HEIGHT]}; ${htlcs}; ${row}${fails}; ${daemons.join('; ')}`;
}
