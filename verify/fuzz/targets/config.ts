import { readFileSync } from 'node:fs';
import { type ConfigResult, decodeConfig, formatProblem } from '../../../src/daemon/config/load.ts';
import type { LnmuxConfig } from '../../../src/daemon/config/types.ts';
import { isValidPrivateKey, isValidPublicKey } from '../../../src/lightning/crypto.ts';
import { GOOD, KEY } from '../../../test/config/harness.ts';
import { type LiveTarget, must, mustEqual, type Target } from '../engine/target.ts';
import { textMutator } from '../engine/text.ts';

const example = readFileSync(new URL('../../../lnmux.yml.example', import.meta.url), 'utf8');
/** The example with every key switched on, and without its comments, which take longer to read than the rest. */
const everything = example.replace(/^( *)#((?: {2})?\w+:)/gm, '$1$2').replace(/^\s*#.*\n/gm, '');

const SECRETS = [KEY.slice(8, 48), 'correcthorsebattery'];

function decode(text: string, strict: boolean): ConfigResult {
  return decodeConfig(text, { path: '/etc/lnmux.yml', strict, env: {} });
}

/** A node may come after those without a priority, and a day may be long ago. */
const MAY_BE_NEGATIVE = /\.(priority|until)$/;

/** No number that the configuration gives is anything but whole, finite and, but for those, not negative. */
function checkNumbers(value: unknown, path: string): void {
  if (typeof value === 'number') {
    const least = MAY_BE_NEGATIVE.test(path) ? Number.MIN_SAFE_INTEGER : 0;
    must(Number.isSafeInteger(value) && value >= least, `${path} is a whole number`);
  }
  if (typeof value === 'bigint') must(value >= 0n && value < 1n << 64n, `${path} is a u64`);
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return;
  for (const [name, each] of Object.entries(value)) checkNumbers(each, `${path}.${name}`);
}

function checkConfig(config: LnmuxConfig): void {
  checkNumbers(config, 'config');
  must(isValidPrivateKey(config.identityKey.reveal()), 'the identity key is a private key');
  const keys = config.lnd.nodes.map(({ pubKey }) => pubKey);
  must(new Set(keys).size === keys.length, 'no node is there twice');
  for (const pubKey of keys) must(isValidPublicKey(Buffer.from(pubKey, 'hex')), 'a node key is a point');
}

function run(input: Uint8Array): string {
  const text = Buffer.from(input.subarray(1)).toString('utf8');
  const strict = (input[0] ?? 0) % 2 === 0;
  const result = decode(text, strict);
  const lines = [...result.warnings, ...(result.ok ? [] : result.problems)].map(formatProblem);
  for (const line of lines) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    must(!/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(line), 'a problem is one line of plain text');
    for (const secret of SECRETS) must(!line.includes(secret), 'a problem does not repeat a secret');
  }
  if (!result.ok) {
    must(result.problems.length > 0, 'a refusal says why');
    return `refused: ${result.problems[0]!.message.replace(/[^a-z ]+/g, '').slice(0, 24)}`;
  }
  checkConfig(result.config);
  if (strict) mustEqual(decode(text, false).ok, true, 'what strict reading takes, the other takes too');
  return result.warnings.length > 0 ? 'decoded with warnings' : 'decoded';
}

const WORDS = [
  ...[...everything.matchAll(/^\s*#?\s*(\w+):/gm)].map((match) => match[1]!),
  ...[
    'true',
    'yes',
    'off',
    'null',
    '~',
    '""',
    '{}',
    '[]',
    '-',
    ': ',
    '&a ',
    '*a',
    '<<: *a',
    '!!binary ',
    '|',
    '>',
  ],
  ...[
    '1h',
    '-1s',
    '15s',
    '9223372036854775807',
    '0x10',
    '1e3',
    '.inf',
    '.nan',
    '127.0.0.1:0',
    '[::1]:1',
    ':1',
  ],
  ...[
    'mainnet',
    'regtest',
    'testnet3',
    '\t',
    '\u0000',
    '\u2028',
    '#',
    '---',
    '...',
    '%YAML 1.1',
    KEY,
    `'${KEY}'`,
  ],
  ...['postgres://u:correcthorsebattery@h/d', '__proto__', 'constructor', 'toString', '? ', "'", '"'],
];

const seed = (strict: boolean, text: string) =>
  Buffer.concat([Buffer.from([strict ? 0 : 1]), Buffer.from(text)]);
const mutateText = textMutator(WORDS);

export const config: Target = {
  name: 'config',
  promise:
    'decodeConfig: never throws; problems in one line each, without secrets; else every value in range',
  maxBytes: 6_000,
  maxMs: 500,
  open: (): LiveTarget => ({
    seeds: [
      seed(true, GOOD),
      seed(false, GOOD),
      seed(true, everything),
      seed(true, example.replace(/^\s*#.*\n/gm, '')),
      seed(true, `${GOOD}db: {dsn: "postgres://u:correcthorsebattery@h/d?sslmode=disable"}\n`),
      seed(true, ''),
    ],
    run,
    mutate: (input, random, other) =>
      Buffer.concat([
        Buffer.from([random.oneIn(8) ? random.below(2) : (input[0] ?? 0)]),
        mutateText(input.subarray(1), random, other.subarray(1)),
      ]),
    show: (input) => Buffer.from(input.subarray(1)).toString('utf8'),
  }),
};
