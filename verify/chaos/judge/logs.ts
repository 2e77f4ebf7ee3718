import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Violation } from './rules.ts';

const TOKEN = /[0-9a-f]{64}/g;

/** One pass over every log: preimages must not be there; lines about the hashes asked for come back. */
export async function readLogs(
  dir: string,
  preimages: ReadonlySet<string>,
  hashes: ReadonlySet<string>,
): Promise<{ readonly leaks: readonly Violation[]; readonly lines: ReadonlyMap<string, readonly string[]> }> {
  const leaks: Violation[] = [];
  const lines = new Map<string, string[]>();
  for (const name of readdirSync(dir)) {
    for await (const line of createInterface({ input: createReadStream(join(dir, name)) })) {
      for (const [token] of line.matchAll(TOKEN)) {
        if (preimages.has(token)) {
          leaks.push({ rule: 'preimage in a log', text: `${name}: a line of ${line.length} characters` });
        }
        if (!hashes.has(token)) continue;
        const found = lines.get(token) ?? [];
        lines.set(token, found);
        found.push(`${name}: ${line}`);
      }
    }
  }
  return { leaks, lines };
}
