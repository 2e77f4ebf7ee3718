/** An lnd version taken apart. `pre` is the part after the dash: `beta`, `beta.rc2`, or empty. */
export interface LndVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  readonly pre: readonly string[];
  /** As it is shown: without a leading v, commit and build. */
  readonly text: string;
}

const VERSION = /^v?(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:-([0-9A-Za-z.-]+))?(?:\+\S*)?(?:\s.*)?$/;

/** `0.21.2-beta`, also with a leading v and followed by build or commit; undefined when it is something else. */
export function parseLndVersion(text: string): LndVersion | undefined {
  const match = VERSION.exec(text.trim());
  if (!match) return undefined;
  const [, major, minor, patch, pre] = match;
  const core = `${Number(major)}.${Number(minor)}.${Number(patch)}`;
  return {
    major: Number(major),
    minor: Number(minor),
    patch: Number(patch),
    pre: pre === undefined ? [] : pre.split('.'),
    text: pre === undefined ? core : `${core}-${pre}`,
  };
}

/**
 * Order of releases: below zero when `a` is older. As semantic versions, except that lnd releases `beta` after its
 * candidates: `0.16.0-beta.rc2` < `0.16.0-beta` < `0.16.0`.
 */
export function compareLndVersions(a: LndVersion, b: LndVersion): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch || comparePre(a.pre, b.pre);
}

function comparePre(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = comparePart(a[i], b[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Release candidates come before the release itself, which comes before further parts; numbers before words. */
function comparePart(a: string | undefined, b: string | undefined): number {
  const ranks = rank(a) - rank(b);
  if (ranks !== 0 || a === undefined || b === undefined) return ranks;
  const numbers = (candidate(a) ?? numeric(a) ?? 0) - (candidate(b) ?? numeric(b) ?? 0);
  return numbers || (a < b ? -1 : a > b ? 1 : 0);
}

function rank(part: string | undefined): number {
  if (part === undefined) return 1;
  if (candidate(part) !== undefined) return 0;
  return numeric(part) !== undefined ? 2 : 3;
}

const candidate = (part: string) => (/^rc\d{1,6}$/.test(part) ? Number(part.slice(2)) : undefined);
const numeric = (part: string) => (/^\d{1,9}$/.test(part) ? Number(part) : undefined);

/**
 * Generations of lnd's interceptor. L: 0.16.0 to 0.20.1 and 0.21.0; M: 0.20.2 and 0.21.1; N: 0.20.3, 0.21.2 and
 * later.
 */
export function epochOf({ major, minor, patch }: LndVersion): 'L' | 'M' | 'N' {
  if (major > 0 || minor > 21) return 'N';
  const [newest, middle] = minor === 21 ? [2, 1] : [3, 2];
  if (minor < 20 || patch < middle) return 'L';
  return patch < newest ? 'M' : 'N';
}

/**
 * How well this lnd treats intercepted HTLCs, in words; undefined when nothing is wrong. Until 0.20.1 and in
 * 0.21.0 an on-chain HTLC is lost to the interceptor (lnd #10892); until 0.20.2 and in 0.21.1 one absurd expiry
 * ends interception until lnd restarts (lnd #11028). Before 0.17, lnd has no keepalive: it notices a vanished client
 * when TCP does.
 */
export function weaknessOf(version: LndVersion): string | undefined {
  const epoch = epochOf(version);
  if (epoch === 'N') return undefined;
  const loop = 'one HTLC with an absurd expiry can stop its interception until it is restarted';
  if (epoch === 'M') return `lnd ${version.text}: ${loop}; upgrade to 0.20.3, 0.21.2 or later`;
  const slot =
    version.minor >= 17 ? '' : 'after a crash of lnmux it can take two hours to let the next one in, ';
  return (
    `lnd ${version.text}: an HTLC that is held while its channel is force closed can not be settled until lnd is ` +
    `restarted, one rejected answer can leave an HTLC without an owner, ${slot}and ${loop}; ` +
    'upgrade to 0.20.3, 0.21.2 or later'
  );
}
