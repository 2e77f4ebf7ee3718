import { describe, expect, it } from 'vitest';
import { type FuzzReport, fuzz } from '../../verify/fuzz/engine/fuzz.ts';
import { findingText } from '../../verify/fuzz/report.ts';
import { TARGETS } from '../../verify/fuzz/targets/all.ts';

const FEW = 2_000;
const MANY = 10_000;

/** Those that take longer, and what every target must have come to: a fuzzer that only hears no proves nothing. */
const PLANS: Readonly<Record<string, { readonly runs: number; readonly reaches: readonly RegExp[] }>> = {
  paymentAddr: { runs: MANY, reaches: [/^decoded/, /out of range/, /^refused/] },
  tlv: { runs: MANY, reaches: [/^decoded: 5/, /not ascend/, /cut off/, /shortest form/] },
  payload: {
    runs: MANY,
    reaches: [/with payment data/, /leading zero/, /wrong length/, /next hop/, /even type/],
  },
  dsn: { runs: MANY, reaches: [/decoded: full/, /decoded: plain/, /sslmode must/, /percent-encoded/] },
  args: { runs: FEW, reaches: [/^run/, /^migrate/, /addinvoice/, /wait/, /^problem \/ problem/] },
  offerCodec: { runs: MANY, reaches: [/^decoded$/, /longer than the message/, /longer than 10 bytes/] },
  failure: { runs: MANY, reaches: [/^no failure/, /^hop 1, message/, /^hop 0, message/, /cut off/] },
  'grpc.addInvoice': { runs: FEW, reaches: [/^OK/, /^malformed/, /^INVALID_ARGUMENT: description is/] },
  'grpc.settleInvoice': { runs: FEW, reaches: [/^NOT_FOUND/, /^malformed/, /^INVALID_ARGUMENT/] },
  'grpc.cancelInvoice': { runs: FEW, reaches: [/^NOT_FOUND/, /^malformed/, /^INVALID_ARGUMENT/] },
  'grpc.listInvoices': { runs: FEW, reaches: [/^OK/, /^malformed/, /^INVALID_ARGUMENT/] },
  'grpc.lookupInvoice': { runs: FEW, reaches: [/^NOT_FOUND/, /^malformed/, /^INVALID_ARGUMENT/] },
  'grpc.waitForInvoiceFinalStatus': {
    runs: FEW,
    reaches: [/^NOT_FOUND/, /^waits/, /^malformed/, /^INVALID_ARGUMENT/],
  },
  'grpc.drainNode': { runs: FEW, reaches: [/^NOT_FOUND/, /^malformed/, /^INVALID_ARGUMENT: which node/] },
  onion: { runs: FEW, reaches: [/^decoded/, /payload, type 2$/, /payload, type 6$/, /_hmac/, /_version/] },
  bolt11: { runs: FEW, reaches: [/encoded again/, /checksum/, /cut off/, /UTF-8/, /not of our making/] },
  link: { runs: FEW, reaches: [/^connected.*settled.*failed.*resumed/, /^refused/, /^backoff/, /forgotten/] },
  config: { runs: FEW, reaches: [/^decoded$/, /^decoded with warnings/, /^refused: the same key twice/] },
  grpc: { runs: FEW, reaches: [/^AddInvoice OK/, /^GetInfo OK/, /malformed/, /stream open/] },
};

function reached({ outcomes }: FuzzReport, wanted: RegExp): boolean {
  return [...outcomes.keys()].some((outcome) => wanted.test(outcome));
}

describe('whatever comes from outside', () => {
  it('has a plan for every target', () => {
    expect(Object.keys(PLANS).sort()).toEqual(TARGETS.map(({ name }) => name).sort());
  });

  it.each(TARGETS.map((target) => [target.name, target] as const))('%s', async (name, target) => {
    const { runs, reaches } = PLANS[name]!;
    const report = await fuzz(target, { runs, seed: 1 });
    expect(findingText(report, 1)).toBe('');
    expect(report.runs).toBeGreaterThanOrEqual(runs);
    expect(reaches.filter((wanted) => !reached(report, wanted))).toEqual([]);
  });
});
