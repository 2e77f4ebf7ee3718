import type { Scene } from '../scene.ts';
import {
  envOf,
  OP,
  op,
  opA,
  opB,
  opKind,
  rowCode,
  rowFailed,
  rowMembers,
  rowSettled,
  rowStatus,
} from './ops.ts';

/** Other names for HTLCs and nodes, under which a scope is still the same. */
export interface Naming {
  /** New index of each HTLC, and of each node. */
  readonly htlcs: readonly number[];
  readonly nodes: readonly number[];
  /** New mask of each mask of HTLCs, and of each mask of nodes. */
  readonly masks: readonly number[];
  readonly nodeMasks: readonly number[];
}

const MASKS = 16;

const masksOf = (renamed: readonly number[]): number[] =>
  Array.from({ length: MASKS }, (_, mask) => {
    let image = 0;
    for (let bit = 0; 1 << bit < MASKS; bit++) if ((mask >> bit) & 1) image |= 1 << (renamed[bit] ?? bit);
    return image;
  });

export const namingOf = (htlcs: readonly number[], nodes: readonly number[]): Naming => ({
  htlcs,
  nodes,
  masks: masksOf(htlcs),
  nodeMasks: masksOf(nodes),
});

export const OWN_NAMES: Naming = namingOf([0, 1, 2, 3], [0, 1]);

function permutations(n: number): number[][] {
  if (n === 0) return [[]];
  return permutations(n - 1).flatMap((rest) =>
    Array.from({ length: n }, (_, at) => [...rest.slice(0, at), n - 1, ...rest.slice(at)]),
  );
}

/** All namings but one's own that leave the nodes and auto-fail heights of HTLCs as they are. */
export function namingsOf({ htlcs, nodes, nodeOf, autoFail }: Scene): Naming[] {
  const namings: Naming[] = [];
  for (const nodeNames of permutations(nodes)) {
    for (const names of permutations(htlcs)) {
      const isSame = names.every(
        (name, k) => nodeOf[name] === nodeNames[nodeOf[k]!] && autoFail[name] === autoFail[k],
      );
      if (isSame && names.some((name, k) => name !== k)) namings.push(namingOf(names, nodeNames));
    }
  }
  return namings;
}

export const renameRow = (row: number, { masks }: Naming): number =>
  rowCode(rowStatus(row), masks[rowMembers(row)]!, masks[rowSettled(row)]!, masks[rowFailed(row)]!);

export const renameEnv = (env: number, { masks, nodeMasks }: Naming): number =>
  envOf(masks[env & 15]!, nodeMasks[(env >> 4) & 3]!, env >> 6);

export function renameOp(code: number, naming: Naming): number {
  const kind = opKind(code);
  const a = opA(code);
  const b = opB(code);
  switch (kind) {
    case OP.offered:
    case OP.finalised:
    case OP.recorded:
      return op(kind, naming.htlcs[a], b);
    case OP.admitted:
    case OP.readmit:
      return op(kind, naming.htlcs[a], renameRow(b, naming));
    case OP.settle:
    case OP.cancel:
    case OP.timer:
      return op(kind, naming.masks[a], b);
    case OP.recover:
      return op(kind, a, renameRow(b & 0x7fff, naming) | (naming.masks[b >> 15]! << 15));
    default:
      return code;
  }
}
