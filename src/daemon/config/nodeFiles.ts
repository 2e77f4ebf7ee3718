import { accessSync, constants } from 'node:fs';
import type { ConfigProblem } from './problem.ts';
import type { Setting } from './setting.ts';
import type { LndConfig } from './types.ts';

const ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file (paths start at the folder in which lnmuxd is started)',
  EACCES: 'not permitted to read it; check its owner and mode',
};

/**
 * Looks whether the files of the nodes are there. That they aren't is no reason not to start: they are read on every
 * connection.
 */
export function checkNodeFiles(
  { nodes }: LndConfig,
  settings: readonly Setting[],
  source: string,
): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  for (const [index, node] of nodes.entries()) {
    for (const name of ['tlsCertPath', 'macaroonPath'] as const) {
      try {
        accessSync(node[name], constants.R_OK);
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? '';
        const block = `lnd.nodes[${index}]`;
        const line = settings.find((setting) => setting.block === block && setting.name === name)?.line;
        problems.push({
          source,
          line,
          key: `${block}.${name}`,
          message: `${ERRORS[code] ?? `can't be read (${code})`}; this node stays unavailable until it is there`,
        });
      }
    }
  }
  return problems;
}
