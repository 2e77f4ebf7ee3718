import { shown } from './problem.ts';
import type { Section } from './section.ts';
import type { TracingConfig } from './types.ts';

export function readTracing(section: Section): TracingConfig {
  const config: TracingConfig = {
    otlpEndpoint: readEndpoint(section),
    samplePercent: section.integer('samplePercent', { fallback: 100, min: 1, max: 100 }),
  };
  section.finish();
  return config;
}

function readEndpoint(section: Section): string | undefined {
  const text = section.text('otlpEndpoint');
  if (text === undefined || text === '') return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.search === '' && url.hash === '') {
    return url.href;
  }
  const advice = 'write the HTTP address of an OpenTelemetry collector, such as http://localhost:4318';
  section.problem('otlpEndpoint', `${shown(text)} is not one; ${advice}`);
  return undefined;
}
