import { expect, it } from 'vitest';
import { parseQuery } from './promql.ts';

it('finds metrics, matchers and grouping labels in PromQL', () => {
  const query = parseQuery('sum by (job, le) (rate(a_bucket{outbox="x",job=~".*"}[5m])) / on (job) b > 0.5');
  expect(query).toEqual({
    faults: [],
    selectors: [
      {
        metric: 'a_bucket',
        matchers: [
          { label: 'outbox', op: '=', value: 'x' },
          { label: 'job', op: '=~', value: '.*' },
        ],
      },
      { metric: 'b', matchers: [] },
    ],
    grouping: ['job', 'le', 'job'],
  });
});

it.each(['sum by ((x', 'rate(x[5m]', 'x{a=b}', 'x > > 1', 'increase(x[5 hours])'])('refuses %s', (text) => {
  expect(parseQuery(text).faults).not.toEqual([]);
});
