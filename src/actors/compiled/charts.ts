import { htlcSetMachine } from '../../machines/htlcSet/machine.ts';
import { invoiceMachine } from '../../machines/invoice/machine.ts';
import { compiled } from './compiled.ts';

/** The charts of payments as the actors run them: same charts, known transitions. */
export const liveHtlcSet = compiled(htlcSetMachine);
export const liveInvoice = compiled(invoiceMachine.provide({ actors: { htlcSet: liveHtlcSet } }));
