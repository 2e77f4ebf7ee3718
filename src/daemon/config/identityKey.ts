import { fromHex } from '../../domain/hex.ts';
import { isValidPrivateKey } from '../../lightning/crypto.ts';
import type { Network } from '../../lightning/networks.ts';
import { Secret } from './secret.ts';
import type { Section } from './section.ts';

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

export function readIdentityKey(root: Section, env: NodeJS.ProcessEnv, network: Network): Secret<Uint8Array> {
  const fromFile = root.text('identityKey');
  const fromEnv = env[KEY_VARIABLE];
  const text = fromEnv ?? fromFile;
  const problem =
    text === undefined
      ? `missing; write it, or set ${KEY_VARIABLE}: 64 hex digits, made for example by: openssl rand -hex 32`
      : keyProblem(text);
  if (problem !== undefined) {
    if (fromEnv === undefined) root.problem('identityKey', problem);
    else root.findings.problem('', undefined, problem, KEY_VARIABLE);
    return new Secret(new Uint8Array(32));
  }
  if (text?.toLowerCase() === EXAMPLE_KEY) {
    const what = 'the key of the example, which everybody knows; make your own with: openssl rand -hex 32';
    if (network === 'mainnet') root.problem('identityKey', what);
    else root.warning('identityKey', what);
  }
  return new Secret(fromHex(text as string, 32) as Uint8Array);
}
