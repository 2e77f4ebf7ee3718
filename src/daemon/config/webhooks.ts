import { dirname, resolve } from 'node:path';
import type { InvoiceEvent } from '../../actors/ports/invoiceEvents.ts';
import { isLoopback } from '../../adapters/net/address.ts';
import { nearest } from '../nearest.ts';
import { shown } from './problem.ts';
import { Secret } from './secret.ts';
import { isWorldReadable, octal, quoted, readSecretFile, shownPath } from './secretFile.ts';
import type { Section } from './section.ts';
import type { WebhookConfig } from './types.ts';

const EVENTS: readonly InvoiceEvent['type'][] = [
  'accepted',
  'given_back',
  'settle_requested',
  'settled',
  'failed',
];

/** Each has a queue and a reader of its own. */
const MOST = 16;
const SHORTEST_SECRET = 32;
const NAME = /^[\w.-]{1,64}$/;

export function readWebhooks(root: Section, configPath: string): readonly WebhookConfig[] {
  const sections = root.list('webhooks');
  if (sections.length > MOST)
    root.problem('webhooks', `${sections.length} are too many; write at most ${MOST}`);
  const names = new Map<string, string>();
  return sections.flatMap((section) => {
    const url = readUrl(section);
    const name = readName(section, url, names);
    const secret = readSecret(section, configPath);
    const events = readEvents(section);
    section.finish();
    if (url === undefined || name === undefined || secret === undefined) return [];
    return [{ name, url: new Secret(url.href), secret: new Secret(secret), events }];
  });
}

/** The operator's own choice, so any host will do; what is told travels encrypted, or does not leave the machine. */
function readUrl(section: Section): URL | undefined {
  const text = section.requiredText('url', 'write where to send events, such as https://shop.example/lnmux');
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    section.problem('url', 'not a web address; write one such as https://shop.example/lnmux');
    return undefined;
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, ''))) {
    section.problem(
      'url',
      'http would show others what is paid; write https (http is for this machine only)',
    );
    return undefined;
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    section.problem('url', 'must have no user, password or fragment; the signature says who sends');
    return undefined;
  }
  return url;
}

function readName(section: Section, url: URL | undefined, known: Map<string, string>): string | undefined {
  const name = section.text('name', url?.hostname.replace(/[^\w.-]/g, '') ?? '') || undefined;
  if (name === undefined) return undefined;
  if (!NAME.test(name)) {
    section.problem(
      'name',
      `${shown(name)} does not do; write 1 to 64 letters, digits, dots, dashes or underscores`,
    );
    return undefined;
  }
  const first = known.get(name);
  if (first !== undefined) {
    section.problem('name', `${shown(name)} is the name of ${first}; give one of them another`);
    return undefined;
  }
  known.set(name, section.path);
  return name;
}

function readSecret(section: Section, configPath: string): string | undefined {
  const written = section.requiredText(
    'secretFile',
    'write the path of a file with the key that signs, made for example by: openssl rand -hex 32',
  );
  if (written === undefined) return undefined;
  const path = resolve(dirname(configPath), written);
  const read = readSecretFile(path);
  if (!read.ok) {
    section.problem('secretFile', read.problem);
    return undefined;
  }
  if (read.mode !== undefined && isWorldReadable(read.mode)) {
    const mend = `chmod 600 ${quoted(shownPath(path))} (of a Kubernetes secret: defaultMode: 0440)`;
    section.problem(
      'secretFile',
      `everybody on this machine can read it (mode ${octal(read.mode)}); ${mend}`,
    );
    return undefined;
  }
  if (read.text.length < SHORTEST_SECRET) {
    section.problem(
      'secretFile',
      `the key in it has ${read.text.length} characters; write ${SHORTEST_SECRET} or more: openssl rand -hex 32`,
    );
    return undefined;
  }
  return read.text;
}

function readEvents(section: Section): ReadonlySet<InvoiceEvent['type']> {
  const entry = section.get('events');
  const line = section.lineOf('events');
  const note = (value: string) =>
    section.findings.setting({
      block: section.path,
      name: 'events',
      origin: entry === undefined ? 'default' : 'file',
      line: entry === undefined ? undefined : line,
      value,
    });
  if (entry === undefined) {
    note(`[${EVENTS.join(', ')}]`);
    return new Set(EVENTS);
  }
  const advice = `write a list out of ${EVENTS.join(', ')}`;
  const items = entry.kind === 'list' ? entry.items : [];
  if (items.length === 0)
    section.problem('events', `must be a list of names; ${advice}, or leave it out for all`);
  const found = new Set<InvoiceEvent['type']>();
  for (const item of items) {
    const text = item.kind === 'scalar' ? item.text : '';
    const event = EVENTS.find((each) => each === text);
    if (event !== undefined) found.add(event);
    else {
      const meant = nearest(text, EVENTS);
      section.problem(
        'events',
        `unknown event ${shown(text)}; ${meant === undefined ? advice : `write ${meant}`}`,
      );
    }
  }
  note(`[${[...found].join(', ')}]`);
  return found;
}
