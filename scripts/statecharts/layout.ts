import ElkConstructor, { type ElkExtendedEdge, type ElkNode } from 'elkjs/lib/elk.bundled.js';
import { allStates, type StateModel, type TransitionModel } from './model.ts';
import { type Box, boxOfLabel, boxOfState, isArrow, PADDING } from './picture.ts';

export interface Placed {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PlacedState extends Placed {
  readonly state: StateModel;
  readonly box: Box;
  /** Active together with the states beside it. */
  readonly isRegion: boolean;
}

export interface PlacedArrow {
  readonly points: readonly { readonly x: number; readonly y: number }[];
  readonly label: (Placed & { readonly box: Box }) | undefined;
  readonly isLoud: boolean;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly states: readonly PlacedState[];
  readonly starts: readonly Placed[];
  readonly arrows: readonly PlacedArrow[];
}

const START = 10;
/** Characters in a line of a state: with substates at first, and without. */
const WIDEST = 70;
const USUAL = 40;
const MOST_ROUNDS = 12;
const REGIONS_IN_A_ROW = 3;
const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.json.edgeCoords': 'ROOT',
  'elk.json.shapeCoords': 'ROOT',
  'elk.direction': 'DOWN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.randomSeed': '1',
  'elk.layered.edgeLabels.centerLabelPlacementStrategy': 'MEDIAN_LAYER',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.thoroughness': '40',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeNode': '16',
  'elk.spacing.edgeEdge': '12',
  'elk.spacing.edgeLabel': '4',
  'elk.layered.spacing.nodeNodeBetweenLayers': '26',
  'elk.layered.spacing.edgeNodeBetweenLayers': '16',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '12',
};

interface Arrow {
  readonly source: string;
  readonly target: string;
  readonly transitions: TransitionModel[];
}

/** Transitions between the same two states share one arrow. */
function arrowsOf(root: StateModel): Arrow[] {
  const arrows = new Map<string, Arrow>();
  for (const state of allStates(root))
    for (const transition of state.transitions) {
      if (state === root || !isArrow(transition)) continue;
      const target = transition.targets[0]!;
      const key = `${state.id} ${target}`;
      const arrow = arrows.get(key) ?? { source: state.id, target, transitions: [] };
      arrow.transitions.push(transition);
      arrows.set(key, arrow);
    }
  return [...arrows.values()];
}

/**
 * Places everything; the same chart gives the same places each time. A state with substates is as wide as these
 * need, so its text is wrapped to that width, which changes its height: hence several rounds.
 *
 * @throws Error when a text finds no room.
 */
export async function layOut(root: StateModel, upwards: string): Promise<Layout> {
  const columns = new Map(allStates(root).map((s) => [s.id, s.children.length > 0 ? WIDEST : USUAL]));
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const layout = await layOutOnce(root, upwards, columns);
    const tight = layout.states.filter(({ box, width }) => box.width > width + 1);
    if (tight.length === 0) return layout;
    for (const { state, box, width } of tight) {
      const fitting = Math.floor(
        (columns.get(state.id)! * (width - 2 * PADDING)) / (box.width - 2 * PADDING),
      );
      columns.set(state.id, Math.min(columns.get(state.id)! - 1, fitting));
    }
  }
  throw new Error(`a text of ${root.key} is wider than its state`);
}

async function layOutOnce(root: StateModel, upwards: string, columns: Map<string, number>): Promise<Layout> {
  const boxes = new Map(allStates(root).map((s) => [s.id, boxOfState(s, columns.get(s.id)!)]));
  const labels = new Map<string, Box>();
  const order = new Map(allStates(root).map((s, i) => [s.id, i]));
  const edges: ElkExtendedEdge[] = arrowsOf(root).map(({ source, target, transitions }, i) => {
    const isForward = order.get(source)! < order.get(target)!;
    const box = boxOfLabel(transitions);
    labels.set(`e${i}`, box);
    const { width, height } = box;
    return {
      id: `e${i}`,
      sources: [source],
      targets: [target],
      // The charts are written in the order in which a payment goes through them: so they are drawn.
      layoutOptions: { 'elk.layered.priority.direction': isForward ? '10' : '0' },
      labels: [{ text: `e${i}`, width, height, layoutOptions: { 'elk.edgeLabels.inline': 'true' } }],
    };
  });
  const top = nodeOf(root, boxes, edges, upwards);
  const Elk = ElkConstructor as unknown as typeof ElkConstructor.default;
  const graph: ElkNode = {
    id: 'picture',
    layoutOptions: {
      ...OPTIONS,
      'elk.layered.cycleBreaking.strategy': upwards,
      'elk.padding': '[top=0,left=0,bottom=0,right=0]',
    },
    children: top.children ?? [],
    edges,
  };
  const placed = await new Elk().layout(graph);
  return read(placed, root, boxes, labels);
}

function nodeOf(
  state: StateModel,
  boxes: Map<string, Box>,
  edges: ElkExtendedEdge[],
  upwards: string,
): ElkNode {
  const box = boxes.get(state.id)!;
  if (state.children.length === 0) return { id: state.id, width: box.width, height: box.height };
  const children = state.children.map((child) => nodeOf(child, boxes, edges, upwards));
  if (state.initial !== undefined) {
    const start = `${state.id} starts`;
    children.unshift({ id: start, width: START, height: START });
    edges.push({ id: `${start} here`, sources: [start], targets: [state.initial] });
  }
  if (state.type === 'parallel') edges.push(...rowsOf(state.children));
  return {
    id: state.id,
    children,
    layoutOptions: {
      ...OPTIONS,
      'elk.layered.cycleBreaking.strategy': upwards,
      'elk.padding': `[top=${box.height + 6},left=${PADDING + 6},bottom=${PADDING + 6},right=${PADDING + 6}]`,
    },
  };
}

/** Unseen edges that put side-by-side states in rows, or the picture would get very wide. */
function rowsOf(regions: readonly StateModel[]): ElkExtendedEdge[] {
  return regions.slice(REGIONS_IN_A_ROW).map((region, i) => ({
    id: `row ${region.id}`,
    sources: [regions[i]!.id],
    targets: [region.id],
  }));
}

function read(graph: ElkNode, root: StateModel, boxes: Map<string, Box>, labels: Map<string, Box>): Layout {
  const models = new Map(allStates(root).map((s) => [s.id, s]));
  const states: PlacedState[] = [];
  const starts: Placed[] = [];
  const walk = (node: ElkNode, isRegion: boolean) => {
    const { x = 0, y = 0, width = 0, height = 0 } = node;
    const state = models.get(node.id);
    const box = boxes.get(node.id);
    if (state && box) states.push({ state, box, isRegion, x, y, width, height });
    else starts.push({ x, y, width, height });
    for (const child of node.children ?? []) walk(child, state?.type === 'parallel');
  };
  for (const child of graph.children ?? []) walk(child, root.type === 'parallel');
  const seen = (graph.edges ?? []).filter(({ id }) => !id.startsWith('row '));
  const arrows = seen.map((edge): PlacedArrow => {
    const points = (edge.sections ?? []).flatMap((s) => [s.startPoint, ...(s.bendPoints ?? []), s.endPoint]);
    const box = labels.get(edge.id);
    const at = edge.labels?.[0];
    const label = box && at && { x: at.x ?? 0, y: at.y ?? 0, width: box.width, height: box.height, box };
    return { points, label, isLoud: models.get(edge.targets[0]!)?.kind === 'released' };
  });
  return { width: graph.width ?? 0, height: graph.height ?? 0, states, starts, arrows };
}
