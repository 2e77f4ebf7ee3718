/** What is measured, and how it is judged. Gates are the least, targets are what is to be reached. */
export interface Goal {
  readonly id: string;
  readonly label: string;
  readonly unit: string;
  /** Digits after the point. */
  readonly digits?: number;
  readonly better: 'more' | 'less';
  readonly target?: number;
  readonly gate?: number;
}

/** In the order of the report. */
export const GOALS = [
  {
    id: 'rate.sustained',
    label: 'Payments done, 2,000/s offered for 60 s',
    unit: '/s',
    better: 'more',
    target: 1_980,
    gate: 1_200,
  },
  { id: 'rate.3000', label: 'Payments done, 3,000/s offered', unit: '/s', better: 'more' },
  { id: 'rate.capacity', label: 'Payments done, 256 always under way', unit: '/s', better: 'more' },
  {
    id: 'p50.200',
    label: 'p50 interception to settle, 200/s',
    unit: 'ms',
    digits: 1,
    better: 'less',
    target: 4,
    gate: 8,
  },
  {
    id: 'p99.200',
    label: 'p99 interception to settle, 200/s',
    unit: 'ms',
    digits: 1,
    better: 'less',
    target: 15,
    gate: 30,
  },
  { id: 'p50.1000', label: 'p50 interception to settle, 1,000/s', unit: 'ms', digits: 1, better: 'less' },
  {
    id: 'p99.1000',
    label: 'p99 interception to settle, 1,000/s',
    unit: 'ms',
    digits: 1,
    better: 'less',
    target: 50,
    gate: 100,
  },
  {
    id: 'p50.sustained',
    label: 'p50 interception to settle, 2,000/s',
    unit: 'ms',
    digits: 1,
    better: 'less',
  },
  {
    id: 'p99.sustained',
    label: 'p99 interception to settle, 2,000/s',
    unit: 'ms',
    digits: 1,
    better: 'less',
    target: 150,
  },
  { id: 'due99.sustained', label: 'p99 due to settle, 2,000/s', unit: 'ms', digits: 1, better: 'less' },
  { id: 'p50.3000', label: 'p50 interception to settle, 3,000/s', unit: 'ms', digits: 1, better: 'less' },
  { id: 'p99.3000', label: 'p99 interception to settle, 3,000/s', unit: 'ms', digits: 1, better: 'less' },
  {
    id: 'cpu.sustained',
    label: 'Daemon CPU per payment, 2,000/s',
    unit: 'µs',
    better: 'less',
    target: 500,
    gate: 700,
  },
  {
    id: 'main.sustained',
    label: '  of it on the main thread',
    unit: 'µs',
    better: 'less',
    target: 350,
    gate: 500,
  },
  { id: 'cpu.1000', label: 'Daemon CPU per payment, 1,000/s', unit: 'µs', better: 'less' },
  {
    id: 'rate.multipart',
    label: '4-part payments done over two nodes, 500/s offered',
    unit: '/s',
    better: 'more',
  },
  {
    id: 'p50.multipart',
    label: 'p50 last part to last settle, 4 parts',
    unit: 'ms',
    digits: 1,
    better: 'less',
  },
  {
    id: 'p99.multipart',
    label: 'p99 last part to last settle, 4 parts',
    unit: 'ms',
    digits: 1,
    better: 'less',
  },
  { id: 'cpu.multipart', label: 'Daemon CPU per 4-part payment', unit: 'µs', better: 'less' },
  {
    id: 'rate.multipart8',
    label: '8-part payments done over two nodes, 250/s offered',
    unit: '/s',
    better: 'more',
  },
  {
    id: 'p50.multipart8',
    label: 'p50 last part to last settle, 8 parts',
    unit: 'ms',
    digits: 1,
    better: 'less',
  },
  {
    id: 'p99.multipart8',
    label: 'p99 last part to last settle, 8 parts',
    unit: 'ms',
    digits: 1,
    better: 'less',
  },
  { id: 'cpu.multipart8', label: 'Daemon CPU per 8-part payment', unit: 'µs', better: 'less' },
  {
    id: 'replay.ms',
    label: '10,000 held HTLCs offered again: reconnect to last answer',
    unit: 'ms',
    better: 'less',
  },
  { id: 'replay.cpu', label: '  daemon CPU for each', unit: 'µs', better: 'less' },
  {
    id: 'slow.p99',
    label: 'p99 interception to settle, 1,000/s, one subscriber that reads nothing',
    unit: 'ms',
    digits: 1,
    better: 'less',
  },
  { id: 'slow.p99.without', label: '  without it', unit: 'ms', digits: 1, better: 'less' },
  { id: 'slow.cpu', label: '  what it costs the daemon per payment', unit: 'µs', better: 'less' },
  {
    id: 'memory.rss',
    label: 'Resident memory per held HTLC, 100,000 held',
    unit: 'kB',
    digits: 1,
    better: 'less',
    target: 8,
    gate: 8,
  },
  {
    id: 'memory.heap',
    label: '  of it JavaScript objects and buffers',
    unit: 'kB',
    digits: 1,
    better: 'less',
  },
  {
    id: 'invoice.function',
    label: 'AddInvoice, function',
    unit: '/s',
    better: 'more',
    target: 15_000,
    gate: 8_000,
  },
  {
    id: 'invoice.grpc',
    label: 'AddInvoice over gRPC, 64 callers',
    unit: '/s',
    better: 'more',
    target: 4_000,
    gate: 2_500,
  },
  {
    id: 'invoice.p99',
    label: 'p99 of AddInvoice over gRPC, 1 caller',
    unit: 'ms',
    digits: 1,
    better: 'less',
    target: 3,
    gate: 10,
  },
  {
    id: 'start.cold',
    label: 'Cold start to the first answer, without embedded database',
    unit: 's',
    digits: 2,
    better: 'less',
    target: 0.5,
    gate: 1.5,
  },
  {
    id: 'recovery.ready',
    label: 'Recovery of 100,000 pending: start to ready',
    unit: 's',
    digits: 2,
    better: 'less',
    target: 2,
    gate: 5,
  },
  { id: 'recovery.alone', label: '  of it reading and building them', unit: 's', digits: 2, better: 'less' },
  {
    id: 'go.rate',
    label: "Go program's SQL for 60 s from empty tables: payments",
    unit: '/s',
    better: 'more',
  },
  { id: 'go.first', label: '  in its first 6 s', unit: '/s', better: 'more' },
  { id: 'go.final', label: '  final parts', unit: '/s', better: 'more' },
  { id: 'go.rate.100k', label: "Go program's SQL with 100,000 rows: payments", unit: '/s', better: 'more' },
  {
    id: 'go.final.100k',
    label: '  final parts',
    unit: '/s',
    better: 'more',
  },
  { id: 'go.rate.old', label: "Go program's SQL with the old rows: payments", unit: '/s', better: 'more' },
  {
    id: 'go.final.old',
    label: '  final parts',
    unit: '/s',
    better: 'more',
  },
  { id: 'old.empty', label: 'Payments done, empty database', unit: '/s', better: 'more' },
  { id: 'old.full', label: 'Payments done, old invoices stored', unit: '/s', better: 'more' },
  {
    id: 'old.share',
    label: 'Rate with old invoices, of the empty one',
    unit: '%',
    better: 'more',
    target: 90,
    gate: 70,
  },
  {
    id: 'old.p99',
    label: 'p99 interception to settle, 2,000/s, old invoices',
    unit: 'ms',
    digits: 1,
    better: 'less',
    target: 150,
  },
  {
    id: 'go.ratio',
    label: "Payments done, of those of the Go program's SQL",
    unit: '×',
    digits: 1,
    better: 'more',
    target: 4,
    gate: 2,
  },
] as const satisfies readonly Goal[];

export type FigureId = (typeof GOALS)[number]['id'];

export type Verdict = 'target met' | 'gate met' | 'missed' | '';

/** How a figure stands; nothing where there is no goal. */
export function verdictOf(goal: Goal, measured: number): Verdict {
  const reaches = (limit: number | undefined) =>
    limit !== undefined && (goal.better === 'more' ? measured >= limit : measured <= limit);
  if (reaches(goal.target)) return 'target met';
  if (reaches(goal.gate)) return 'gate met';
  return goal.target === undefined && goal.gate === undefined ? '' : 'missed';
}

/** A figure as people read it, without its unit. */
export function numberText(value: number, digits = 0): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
