/** A finished span, as it waits for its collector. Times are unix milliseconds. */
export interface Span {
  /** 32 and 16 hex digits. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  /** Why it failed; undefined when it did not. */
  readonly error: string | undefined;
}

export interface SpanEvent {
  readonly name: string;
  readonly atMs: number;
  readonly attributes: Attributes;
}

export type Attributes = Readonly<Record<string, string | number | bigint | boolean>>;

const KIND_INTERNAL = 1;
const STATUS_OK = 1;
const STATUS_ERROR = 2;

/** Nanoseconds as text: they don't fit into a number. */
const nanos = (ms: number) => String(BigInt(Math.round(ms)) * 1_000_000n);

function anyValue(value: string | number | bigint | boolean) {
  switch (typeof value) {
    case 'string':
      return { stringValue: value };
    case 'boolean':
      return { boolValue: value };
    case 'number':
      if (!Number.isInteger(value)) return { doubleValue: value };
      return { intValue: String(value) };
    default:
      // 64-bit integers are text in the JSON of protobuf.
      return { intValue: String(value) };
  }
}

const attributesOf = (attributes: Attributes) =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));

/** Body of a POST to /v1/traces (ExportTraceServiceRequest in its JSON form). */
export function exportRequest(resource: Attributes, version: string, spans: readonly Span[]): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeSpans: [{ scope: { name: 'lnmux', version }, spans: spans.map(encoded) }],
      },
    ],
  });
}

function encoded(span: Span) {
  const { traceId, spanId, parentSpanId, name, error } = span;
  return {
    traceId,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name,
    kind: KIND_INTERNAL,
    startTimeUnixNano: nanos(span.startMs),
    endTimeUnixNano: nanos(Math.max(span.startMs, span.endMs)),
    attributes: attributesOf(span.attributes),
    events: span.events.map((event) => ({
      name: event.name,
      timeUnixNano: nanos(event.atMs),
      attributes: attributesOf(event.attributes),
    })),
    status: error === undefined ? { code: STATUS_OK } : { code: STATUS_ERROR, message: error },
  };
}
