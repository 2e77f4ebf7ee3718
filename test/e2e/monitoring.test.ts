import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Family, familyOf, parseExposition } from '../monitoring/exposition.ts';
import { parseQuery } from '../monitoring/promql.ts';
import { type Collector, startCollector } from '../otlp/collector.ts';
import type { Issued } from './application.ts';
import { Cluster, eventually } from './cluster.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const text = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const rules: readonly Rule[] = parse(text('deploy/prometheus/lnmux.rules.yml')).groups.flatMap(
  (group: { rules: Rule[] }) => group.rules,
);
const dashboard = JSON.parse(text('deploy/grafana/lnmux.json'));
const panels: readonly Panel[] = dashboard.panels;

/** Labels that Prometheus adds by itself. */
const SCRAPE_LABELS = ['job', 'instance'];

let cluster: Cluster;
let folder: string;
let families: Map<string, Family>;
let collector: Collector;
let settled: Issued;

beforeAll(async () => {
  collector = await startCollector();
  folder = mkdtempSync(join(tmpdir(), 'lnmux-monitoring-'));
  const secretFile = join(folder, 'webhook.key');
  writeFileSync(secretFile, 'k'.repeat(64), { mode: 0o600 });
  cluster = await Cluster.start([
    'tracing:',
    `  otlpEndpoint: ${collector.endpoint}`,
    `webhooks: [{url: "http://127.0.0.1:9/", name: shop, secretFile: ${JSON.stringify(secretFile)}}]`,
  ]);
  const { app, payer, daemon } = cluster;
  // One payment settled and one held: what is only there with a payment is there.
  settled = await app.invoice(20_000n);
  const paying = payer.pay(settled.text, { maxRetries: 0 });
  await app.settle(settled, await app.acceptedSet(settled));
  await paying;
  await app.finalStatus(settled);
  const held = await app.invoice(10_000n);
  void payer.pay(held.text, { maxRetries: 0 }).catch(() => {});
  await app.acceptedSet(held);
  const { instrumentationAddress } = await daemon.line('Instrumentation HTTP server starting');
  families = parseExposition(await (await fetch(`http://${instrumentationAddress}/metrics`)).text());
});

afterAll(async () => {
  await cluster?.stop();
  await collector?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What is wrong with an expression, given what the daemon exports. */
function faultsOf(expr: string): string[] {
  const plain = expr.replaceAll(/\$__(rate_interval|range)/g, '5m').replaceAll('$job', '.*');
  const { faults, selectors, grouping } = parseQuery(plain);
  const found = faults.map((fault) => `no PromQL: ${fault}`);
  const labels = new Set(SCRAPE_LABELS);
  for (const { metric, matchers } of selectors) {
    const family = familyOf(families, metric);
    if (!family) {
      found.push(`the daemon does not export ${metric}`);
      continue;
    }
    const samples = family.samples.filter(({ name }) => name === metric);
    if (samples.length === 0) found.push(`${metric} has no samples`);
    for (const sample of samples) for (const label of Object.keys(sample.labels)) labels.add(label);
    for (const { label, op, value } of matchers) {
      if (SCRAPE_LABELS.includes(label)) continue;
      const values = samples.map((sample) => sample.labels[label]);
      if (op.startsWith('=') ? !values.includes(value) : values.every((each) => each === undefined)) {
        found.push(`${metric} has no ${label}${op}"${value}"`);
      }
    }
  }
  const unknown = grouping.filter((label) => !labels.has(label));
  return [...found, ...unknown.map((label) => `nothing has the label ${label}`)];
}

/** Labels in a text for people, such as {{node}} or {{ $labels.node }}. */
const labelsIn = (template: string) =>
  [...template.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g)].map(([, label]) => label!);

const labelsOf = (expr: string) =>
  new Set([
    ...SCRAPE_LABELS,
    ...parseQuery(expr.replaceAll(/\$__(rate_interval|range)/g, '5m')).selectors.flatMap(({ metric }) =>
      (familyOf(families, metric)?.samples ?? []).flatMap((sample) => Object.keys(sample.labels)),
    ),
  ]);

describe('the alert rules', () => {
  it('are PromQL over what the daemon really exports', () => {
    expect(rules.length).toBeGreaterThan(20);
    expect(rules.flatMap(({ alert, expr }) => faultsOf(expr).map((fault) => `${alert}: ${fault}`))).toEqual(
      [],
    );
  });

  it('have names of their own, a severity, a summary whose labels exist, and a page that explains them', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    const headings = [...text('docs/operate.md').matchAll(/^### (Lnmux\w+)$/gm)].map(([, name]) => name);
    expect(rules.map(({ alert }) => alert)).toEqual(headings);
    for (const { alert, expr, labels, annotations } of rules) {
      expect(['critical', 'warning'], alert).toContain(labels.severity);
      expect(annotations.runbook).toBe(`docs/operate.md#${alert.toLowerCase()}`);
      const known = labelsOf(expr);
      expect(
        labelsIn(annotations.summary).filter((label) => !known.has(label)),
        alert,
      ).toEqual([]);
    }
  });

  it('are quiet while all is well', () => {
    // The simplest of them, those that compare one number, evaluated by hand on this scrape.
    const value = (metric: string) =>
      Math.max(...families.get(metric)!.samples.map((sample) => sample.value));
    expect(value('lnmux_overdue_htlcs')).toBe(0);
    expect(value('lnmux_partially_settled_invoices_total')).toBe(0);
    expect(value('lnmux_leader')).toBe(1);
    expect(value('lnmux_node_held_msat')).toBe(10_000);
    expect(value('lnmux_settled_invoices_total')).toBe(1);
    expect(value('lnmux_blocks_to_deadline')).toBeGreaterThan(6);
  });
});

describe('traces', () => {
  it('of a payment reach the collector, under its hash and without its preimage', async () => {
    await eventually(() => collector.spans().some(({ name }) => name === 'payment'));
    const spans = collector.spans().filter(({ traceId }) => traceId === settled.hashHex.slice(0, 32));
    expect(new Set(spans.map(({ name }) => name))).toEqual(
      new Set(['payment', 'part', 'application', 'commit', 'lnd']),
    );
    expect(collector.bodies.join()).not.toContain(settled.preimageHex);
  });
});

describe('the dashboard', () => {
  it('asks for what the daemon really exports', () => {
    const targets = panels.flatMap(({ title, targets = [] }) =>
      targets.map((target) => ({ title, ...target })),
    );
    expect(targets.length).toBeGreaterThan(30);
    expect(targets.flatMap(({ title, expr }) => faultsOf(expr).map((fault) => `${title}: ${fault}`))).toEqual(
      [],
    );
    for (const { title, expr, legendFormat } of targets) {
      const known = labelsOf(expr);
      expect(
        labelsIn(legendFormat).filter((label) => !known.has(label)),
        title,
      ).toEqual([]);
    }
  });

  it('has panels with numbers of their own', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });
});

describe('docs/metrics.md', () => {
  it('lists every metric of lnmux, and no other', () => {
    const listed = [...text('docs/metrics.md').matchAll(/^\| `(lnmux_\w+)`/gm)].map(([, name]) => name!);
    const exported = [...families.keys()].filter((name) => name.startsWith('lnmux_'));
    expect(listed.sort()).toEqual(exported.sort());
  });

  it('names their labels', () => {
    const rows = [...text('docs/metrics.md').matchAll(/^\| `(lnmux_\w+)` \| (\w+) \| ([^|]*) \|/gm)];
    for (const [, name, type, labels] of rows) {
      const family = families.get(name!)!;
      expect(type, name).toBe(family.type);
      const used = new Set(family.samples.flatMap((sample) => Object.keys(sample.labels)));
      used.delete('le');
      expect(
        labels!
          .split(', ')
          .map((label) => label.trim())
          .filter(Boolean)
          .sort(),
        name,
      ).toEqual([...used].sort());
    }
  });
});
