import { parser } from '@prometheus-io/lezer-promql';

/** What a PromQL expression speaks of. */
export interface Query {
  /** Texts that are no PromQL; empty when it is right. */
  readonly faults: readonly string[];
  readonly selectors: readonly Selector[];
  /** Labels that results are grouped by or matched on. */
  readonly grouping: readonly string[];
}

export interface Selector {
  readonly metric: string;
  readonly matchers: readonly { readonly label: string; readonly op: string; readonly value: string }[];
}

/** Reads an expression with the grammar of Prometheus' own user interface. */
export function parseQuery(text: string): Query {
  const faults: string[] = [];
  const selectors: { metric: string; matchers: { label: string; op: string; value: string }[] }[] = [];
  const grouping: string[] = [];
  let inMatcher = false;
  parser.parse(text).iterate({
    enter(node) {
      const part = text.slice(node.from, node.to);
      const matcher = selectors.at(-1)?.matchers.at(-1);
      if (node.type.isError) faults.push(text.slice(Math.max(0, node.from - 20), node.to + 20));
      else if (node.name === 'Identifier') selectors.push({ metric: part, matchers: [] });
      else if (node.name === 'UnquotedLabelMatcher') {
        inMatcher = true;
        selectors.at(-1)?.matchers.push({ label: '', op: '', value: '' });
      } else if (node.name === 'LabelName' && inMatcher) matcher!.label = part;
      else if (node.name === 'LabelName') grouping.push(part);
      else if (node.name === 'MatchOp') matcher!.op = part;
      else if (node.name === 'StringLiteral' && inMatcher) matcher!.value = JSON.parse(part);
    },
    leave(node) {
      if (node.name === 'UnquotedLabelMatcher') inMatcher = false;
    },
  });
  return { faults, selectors, grouping };
}
