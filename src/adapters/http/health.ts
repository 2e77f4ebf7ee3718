import type { HttpReply, HttpRoute } from './httpListener.ts';

/** What probes hear. */
export interface HealthReport {
  readonly ready: boolean;
  /** What is missing to be ready, in words; empty when ready. */
  readonly missing: readonly string[];
}

const json = (status: number, value: unknown): HttpReply => ({
  status,
  type: 'application/json; charset=utf-8',
  body: `${JSON.stringify(value)}\n`,
});

/**
 * GET /healthz: the event loop turns, since it answered; restart the process when it doesn't. GET /readyz: payments
 * are taken now. A standby is alive and not ready.
 */
export function healthRoutes(report: () => HealthReport): readonly HttpRoute[] {
  return [
    { path: '/healthz', answer: () => json(200, { alive: true }) },
    {
      path: '/readyz',
      answer: () => {
        const now = report();
        return json(now.ready ? 200 : 503, now);
      },
    },
  ];
}
