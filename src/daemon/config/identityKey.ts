import { fromHex } from '../../domain/hex.ts';
import { isValidPrivateKey, publicKeyOf } from '../../lightning/crypto.ts';
import type { Network } from '../../lightning/networks.ts';
import { Secret } from './secret.ts';
import { isWorldReadable, octal, quoted, shownPath } from './secretFile.ts';
import { type FoundSecret, findSecret } from './secretSource.ts';
import type { Section } from './section.ts';
import { HIDDEN } from './setting.ts';

export const KEY_VARIABLE = 'LNMUX_IDENTITY_KEY';

/**
 * The key behind every invoice. Zero and values of the curve's order or above are refused: the Go program signed
 * with such a value reduced, but derived preimages from the bytes as they were, so nobody could pay its invoices.
 */
function keyProblem(text: string): string | undefined {
  const advice = 'write 64 hex digits, made for example by: openssl rand -hex 32';
  if (text === '') return `is empty; ${advice}`;
  if (text.length !== 64) return `invalid identity key length: ${text.length} characters; ${advice}`;
  const bytes = fromHex(text, 32);
  if (bytes === undefined) return `invalid identity key: not hex; ${advice}`;
  if (!isValidPrivateKey(bytes)) {
    return `invalid identity key: zero, or not below the order of secp256k1; ${advice}`;
  }
  return undefined;
}

/** The key in lnmux.yml.example, which is also the Go program's example. Everybody has it. */
const EXAMPLE_KEY = '0a02030405060708010203040506070801020304050607080102030405060708';

export interface IdentityKeyPlaces {
  readonly env: NodeJS.ProcessEnv;
  /** Absolute. */
  readonly configPath: string;
  /** Permission bits of the configuration file, if it is a file. */
  readonly configMode: number | undefined;
}

/** Whoever can read the key can take the money on its way: a file of its own that everybody can read is refused. */
function exposureProblem({ file }: FoundSecret): string | undefined {
  if (file?.mode === undefined || !isWorldReadable(file.mode)) return undefined;
  const mend = `chmod 600 ${quoted(shownPath(file.path))} (of a Kubernetes secret: defaultMode: 0440)`;
  return `everybody on this machine can read it (mode ${octal(file.mode)}); ${mend}`;
}

/** `<hidden>`, and which node it makes: that tells two keys apart without telling one. */
function noteKey(secret: FoundSecret, key: Uint8Array | undefined): void {
  if (key === undefined) secret.note(HIDDEN);
  else secret.note(HIDDEN, `of node ${Buffer.from(publicKeyOf(key)).toString('hex')}`);
}

function warnOfExample(secret: FoundSecret, network: Network): void {
  if (secret.text.toLowerCase() !== EXAMPLE_KEY) return;
  const what = 'the key of the example, which everybody knows; make your own with: openssl rand -hex 32';
  if (network === 'mainnet') secret.problem(what);
  else secret.warning(what);
}

export function readIdentityKey(
  root: Section,
  places: IdentityKeyPlaces,
  network: Network,
): Secret<Uint8Array> {
  const { configMode, configPath } = places;
  const secret = findSecret(root, { ...places, name: 'identityKey', variable: KEY_VARIABLE });
  const none = new Secret(new Uint8Array(32));
  if (secret === 'missing') {
    root.problem(
      'identityKey',
      `missing; write it, or its file's path as identityKeyFile, or set ${KEY_VARIABLE}: ` +
        '64 hex digits, made for example by: openssl rand -hex 32',
    );
    return none;
  }
  if (secret === 'problem') return none;
  const problem = keyProblem(secret.text) ?? exposureProblem(secret);
  if (problem !== undefined) {
    noteKey(secret, undefined);
    secret.problem(problem);
    return none;
  }
  const key = fromHex(secret.text, 32) as Uint8Array;
  noteKey(secret, key);
  warnOfExample(secret, network);
  if (secret.inConfig && configMode !== undefined && isWorldReadable(configMode)) {
    const mend = `chmod 600 ${quoted(shownPath(configPath))}, or keep the key in a file of its own (identityKeyFile)`;
    secret.warning(`everybody on this machine can read this file (mode ${octal(configMode)}); ${mend}`);
  }
  return new Secret(key);
}
