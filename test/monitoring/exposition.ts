/** A metric as a scrape shows it. */
export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: {
    readonly name: string;
    readonly labels: Record<string, string>;
    readonly value: number;
  }[];
}

/** Reads Prometheus' text format. */
export function parseExposition(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  const help = new Map<string, string>();
  let current: Family | undefined;
  for (const line of text.split('\n').filter(Boolean)) {
    const [, word, name, rest] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (word === 'HELP') help.set(name!, rest!);
    else if (word === 'TYPE') {
      current = { type: rest!, help: help.get(name!) ?? '', samples: [] };
      families.set(name!, current);
    } else {
      const [, sample, , labels = '', value] = /^([\w:]+)(\{(.*)\})? (\S+)$/.exec(line) ?? [];
      if (sample === undefined) throw new Error(`no line of an exposition: ${line}`);
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
      current!.samples.push({
        name: sample,
        labels: Object.fromEntries(pairs.map(([, label, text]) => [label!, text!])),
        value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value),
      });
    }
  }
  return families;
}

/** The family that a query means; histograms are asked for by their parts. */
export function familyOf(families: ReadonlyMap<string, Family>, metric: string): Family | undefined {
  const histogram = families.get(metric.replace(/_(bucket|sum|count)$/, ''));
  return families.get(metric) ?? (histogram?.type === 'histogram' ? histogram : undefined);
}
