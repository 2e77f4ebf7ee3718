import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
  readonly events: readonly { readonly name: string; readonly timeUnixNano: string }[];
  readonly status: { readonly code: number; readonly message?: string };
}

/** An OpenTelemetry collector that keeps what it gets. */
export interface Collector {
  readonly endpoint: string;
  /** Bodies of requests that were taken. */
  readonly bodies: string[];
  requests: number;
  /** Status codes of the next answers; 200 when empty, `hang` gives none. */
  readonly answers: (number | 'hang')[];
  spans(): readonly ReceivedSpan[];
  close(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const bodies: string[] = [];
  const answers: (number | 'hang')[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    collector.requests += 1;
    const path = request.url === '/v1/traces' && request.headers['content-type'] === 'application/json';
    const answer = path ? (answers.shift() ?? 200) : 404;
    if (answer === 'hang') return;
    if (answer === 200) bodies.push(Buffer.concat(chunks).toString());
    response.writeHead(answer, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const collector: Collector = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    bodies,
    requests: 0,
    answers,
    spans: () =>
      bodies.flatMap((body) =>
        JSON.parse(body).resourceSpans.flatMap((resource: { scopeSpans: { spans: ReceivedSpan[] }[] }) =>
          resource.scopeSpans.flatMap((scope) => scope.spans),
        ),
      ),
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
  return collector;
}

/** Attributes as a plain object of texts. */
export const attributesOf = ({ attributes }: ReceivedSpan): Record<string, string> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]));
