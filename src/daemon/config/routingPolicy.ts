import type { Section } from './section.ts';
import type { PreviousPolicyConfig, RoutingPolicyConfig } from './types.ts';

const UINT32_MAX = 2 ** 32 - 1;
/** RFC 3339 with a zone, or a day, meant from its beginning in UTC. */
const DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;

export function readRoutingPolicy(section: Section): RoutingPolicyConfig {
  const given = section.line !== undefined;
  if (given && !section.has('cltvDelta')) {
    section.warning('cltvDelta', 'absent, so 40; the Go program took 0 here, write 0 if you want that');
  }
  const policy = {
    ...readCharges(section),
    previous: section.list('previous').flatMap((item) => readPrevious(item) ?? []),
  };
  section.finish();
  return policy;
}

function readCharges(section: Section): Omit<RoutingPolicyConfig, 'previous'> {
  return {
    cltvDelta: section.integer('cltvDelta', { fallback: 40, min: 0, max: 65_535 }),
    feeBaseMsat: BigInt(section.integer('feeBaseMsat', { fallback: 0, min: 0, max: UINT32_MAX })),
    feeRatePpm: BigInt(section.integer('feeRatePpm', { fallback: 0, min: 0, max: UINT32_MAX })),
  };
}

function readPrevious(section: Section): PreviousPolicyConfig | undefined {
  const charges = readCharges(section);
  const text = section.requiredText(
    'until',
    'write the day from which it is not accepted any more, as 2027-01-31',
  );
  section.finish();
  if (text === undefined) return undefined;
  const until = DATE.test(text) && isInCalendar(text.slice(0, 10)) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(until)) {
    section.problem('until', 'not a date; write one such as 2027-01-31 or 2027-01-31T12:00:00Z');
    return undefined;
  }
  return { ...charges, until };
}

/** Date takes the 31st of February for the 3rd of March. */
function isInCalendar(day: string): boolean {
  const ms = Date.parse(day);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}
