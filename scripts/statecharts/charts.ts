import type { AnyStateMachine } from 'xstate';
import { htlcSetMachine } from '../../src/machines/htlcSet/machine.ts';
import { invoiceMachine } from '../../src/machines/invoice/machine.ts';
import { leadershipMachine } from '../../src/machines/leadership/machine.ts';
import { nodeLinkMachine } from '../../src/machines/nodeLink/machine.ts';

/** One picture and one text. */
export interface Chart {
  readonly name: string;
  readonly title: string;
  readonly machine: AnyStateMachine;
  /** Which question it answers, in one or two sentences. */
  readonly about: string;
  readonly source: string;
  /** Which arrows run upwards: those against the order of the source, or those that lead back on the way. */
  readonly upwards: 'GREEDY' | 'DEPTH_FIRST';
}

export const charts: readonly Chart[] = [
  {
    name: 'invoice',
    title: 'Invoice',
    machine: invoiceMachine,
    about:
      'Which states a payment can be in, as the application sees it. One per payment hash with parts or a row; it spawns an HTLC set for each attempt to pay.',
    source: 'src/machines/invoice/machine.ts',
    upwards: 'GREEDY',
  },
  {
    name: 'htlcSet',
    title: 'HTLC set',
    machine: htlcSetMachine,
    about:
      'One attempt to pay: its parts live and end together. Every decision about money is taken here, and is durable before anything is sent.',
    source: 'src/machines/htlcSet/machine.ts',
    upwards: 'GREEDY',
  },
  {
    name: 'nodeLink',
    title: 'Node link',
    machine: nodeLinkMachine,
    about: 'The connection to one lnd: looked at anew on each connection, before the first HTLC is taken.',
    source: 'src/machines/nodeLink/machine.ts',
    upwards: 'DEPTH_FIRST',
  },
  {
    name: 'leadership',
    title: 'Leadership',
    machine: leadershipMachine,
    about: 'Which of several processes decides. The lease is comfort, the epoch is safety.',
    source: 'src/machines/leadership/machine.ts',
    upwards: 'DEPTH_FIRST',
  },
];
