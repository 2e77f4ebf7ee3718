import type { StateModel, TransitionModel } from './model.ts';
import { BODY, CODE, type Font, TITLE, widthOf, wrap } from './text.ts';

export interface Line {
  readonly text: string;
  readonly style: 'title' | 'body' | 'event' | 'guard' | 'effect';
}

export interface Box {
  readonly lines: readonly Line[];
  readonly width: number;
  readonly height: number;
}

export const PADDING = 12;
const ROOT_WIDTH = 80;
const LABEL_WIDTH = 34;

export const fontOf = (style: Line['style']): Font =>
  style === 'title' ? TITLE : style === 'body' ? BODY : CODE;

export const heightOf = (lines: readonly Line[]): number =>
  lines.reduce((sum, { style }) => sum + fontOf(style).line, 0);

const boxOf = (lines: readonly Line[], padding: number): Box => ({
  lines,
  width: Math.max(0, ...lines.map(({ text, style }) => widthOf(text, fontOf(style)))) + 2 * padding,
  height: heightOf(lines) + 2 * padding,
});

/** Whether a transition is drawn as an arrow; the others are lines inside their state. */
export function isArrow({ source, targets }: TransitionModel): boolean {
  const [target] = targets;
  return target !== undefined && target !== source && !target.startsWith(`${source}.`);
}

/** Title, description, entry effects, and what happens without leaving the state, in lines of `width` characters. */
export function boxOfState(state: StateModel, width: number): Box {
  const lines: Line[] = [{ text: state.key, style: 'title' }];
  if (state.description)
    for (const text of wrap(state.description, width)) lines.push({ text, style: 'body' });
  const entry = heard(state.entry);
  if (entry.length > 0) lines.push(...effectLines('entry / ', entry, width));
  for (const transition of state.transitions)
    if (!isArrow(transition)) lines.push(...inside(transition, width));
  return boxOf(lines, PADDING);
}

/** The label of an arrow: one or more transitions between the same two states. */
export function boxOfLabel(transitions: readonly TransitionModel[]): Box {
  const lines = transitions.flatMap((t) => [
    ...firstLines(t),
    ...effectLines('/ ', heard(t.actions), LABEL_WIDTH),
  ]);
  return boxOf(lines, 4);
}

function firstLines({ event, guard }: TransitionModel): Line[] {
  const condition = guard === undefined ? '' : `[${guard}]`;
  if (event === '') return [{ text: condition || 'else', style: 'event' }];
  const together = `${event} ${condition}`.trim();
  if (condition === '' || together.length <= LABEL_WIDTH) return [{ text: together, style: 'event' }];
  return [
    { text: event, style: 'event' },
    { text: condition, style: 'guard' },
  ];
}

function inside(transition: TransitionModel, width: number): Line[] {
  const { event, guard, targets, source } = transition;
  const where = targets[0] === undefined ? '' : targets[0] === source ? ' ↻' : ` → ${lastOf(targets[0])}`;
  const condition = guard === undefined ? '' : ` [${guard}]`;
  const head = wrap(`${event || 'at once'}${condition}${where}`, width);
  const lines: Line[] = head.map((text) => ({ text, style: 'event' }));
  return [...lines, ...effectLines('/ ', heard(transition.actions), width)];
}

const lastOf = (id: string) => id.slice(id.lastIndexOf('.') + 1);

/** What the outside hears, and why a set is given up; the chart's own notes stay out of the picture. */
function heard(actions: StateModel['entry']): string[] {
  return actions
    .filter(({ kind, name }) => kind !== 'remember' || name.includes('('))
    .map(({ name }) => name);
}

function effectLines(prefix: string, names: readonly string[], width: number): Line[] {
  if (names.length === 0) return [];
  return wrap(`${prefix}${names.join(', ')}`, width).map((text) => ({ text, style: 'effect' as const }));
}

/** What happens in every state: the transitions of the chart itself. */
export function linesOfRoot(root: StateModel): Line[] {
  const lines = root.transitions.flatMap((transition) => inside(transition, ROOT_WIDTH));
  return lines.length > 0 ? [{ text: 'In every state', style: 'body' }, ...lines] : [];
}
