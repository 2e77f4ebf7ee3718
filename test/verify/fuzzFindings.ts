/** An input that once broke a promise, made as small as it goes. */
export interface PastFinding {
  readonly target: string;
  /** What was wrong. */
  readonly was: string;
  readonly hex: string;
}

/** Every input that the fuzzer found to break something; `npm run verify:fuzz` prints new ones in this form. */
export const FINDINGS: readonly PastFinding[] = [
  {
    target: 'config',
    was: 'a control character in a key reached the terminal in a problem',
    hex: '00003a',
  },
  {
    target: 'link',
    was: 'an HTLC offered again with a malformed payment hash could be answered twice',
    hex: '11000c000001020000c70401',
  },
  {
    target: 'link',
    was: 'an HTLC offered again on chain with a malformed payment hash could still be failed',
    hex: '9d00000000cc0500',
  },
  {
    target: 'config',
    was: 'an identity key in the place of an address was repeated in a problem',
    hex: '00003a00003a200a003a0a6c697374656e416464726573733a20666364326336646136383539653639363331313361313137306465373933653462373235623834643a300a',
  },
  {
    target: 'config',
    was: 'a password in the place of a network was repeated in a problem',
    hex: '006c6e643a0a206e6574776f726b3a20636f7272656374686f72736562617474657279',
  },
];
