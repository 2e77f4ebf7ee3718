import type { Nodes } from '../../src/actors/ports/nodes.ts';

/** A cluster without nodes: nothing to list, nothing to drain. */
export const noNodes: Nodes = {
  list: () => [],
  drain: async () => ({ result: 'not_found', known: [] }),
  fees: async () => ({ ok: true, nodes: [] }),
  undrain: async () => ({ result: 'not_found', known: [] }),
};
