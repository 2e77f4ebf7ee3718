import type { Chart } from './charts.ts';
import type { Layout, Placed, PlacedArrow, PlacedState } from './layout.ts';
import type { Kind, StateModel } from './model.ts';
import { type Box, fontOf, heightOf, type Line, PADDING } from './picture.ts';
import { BODY, escapeXml, TITLE, wrap } from './text.ts';

const MARGIN = 24;
const RADIUS = 9;

const LEGEND: readonly (readonly [Kind, string])[] = [
  ['waiting', 'waits for the world'],
  ['committing', 'is being made durable'],
  ['unknown', 'outcome of the write unknown'],
  ['released', 'money may move'],
  ['failed', 'failed or given up'],
  ['ended', 'the actor ends'],
];

/** Fill, border and text of each kind, by day and by night. */
const COLOURS: Record<Kind, readonly [light: readonly [string, string], dark: readonly [string, string]]> = {
  passing: [
    ['#ffffff', '#b6bfca'],
    ['#1c2229', '#566170'],
  ],
  waiting: [
    ['#eef4fc', '#7ea3d4'],
    ['#1b2838', '#4f76a8'],
  ],
  committing: [
    ['#fff6dc', '#dcae3c'],
    ['#352b12', '#a98227'],
  ],
  unknown: [
    ['#f5ebfb', '#a873c9'],
    ['#2e2038', '#8a5aab'],
  ],
  released: [
    ['#e4f6e8', '#4aa564'],
    ['#16301d', '#3f8f56'],
  ],
  failed: [
    ['#fdecea', '#d98279'],
    ['#36201d', '#b0625a'],
  ],
  ended: [
    ['#f1f2f4', '#8b94a0'],
    ['#242a31', '#6d7785'],
  ],
};

function style(): string {
  const kinds = (mode: 0 | 1) =>
    Object.entries(COLOURS)
      .map(([kind, modes]) => `.${kind}{fill:${modes[mode][0]};stroke:${modes[mode][1]}}`)
      .join('');
  const paper = (background: string, text: string, soft: string, line: string, loud: string) =>
    `.paper{fill:${background}}.label{fill:${background}}text{fill:${text}}.body,.guard,.effect{fill:${soft}}` +
    `.arrow{stroke:${line}}.head{fill:${line}}.start{fill:${line}}.loud .arrow{stroke:${loud}}.loud .head{fill:${loud}}`;
  return [
    'text{font-family:"Helvetica Neue",Helvetica,Arial,"DejaVu Sans Condensed",sans-serif;font-size:11px}',
    '.title{font-size:14px;font-weight:600}.heading{font-size:19px;font-weight:600}',
    '.event,.guard,.effect{font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:10.5px}',
    '.event{font-weight:600}.state{stroke-width:1.4}.compound{fill-opacity:.45}.unknown{stroke-dasharray:5 3}',
    '.region{stroke-dasharray:3 3}.arrow{fill:none;stroke-width:1.3}.label{fill-opacity:.94}',
    paper('#ffffff', '#1d2733', '#55616f', '#76818f', '#2f8f4e'),
    kinds(0),
    `@media (prefers-color-scheme:dark){${paper('#12161b', '#e4e9ef', '#a3aebb', '#8792a0', '#58bf78')}${kinds(1)}}`,
  ].join('\n');
}

const n = (value: number) => String(Math.round(value * 10) / 10);

function textOf(lines: readonly Line[], x: number, y: number): string {
  let at = y;
  return lines
    .map(({ text, style: name }) => {
      const font = fontOf(name);
      at += font.line;
      return `<text class="${name}" x="${n(x)}" y="${n(at - font.line * 0.27)}">${escapeXml(text)}</text>`;
    })
    .join('\n');
}

function drawState({ state, box, isRegion, x, y, width, height }: PlacedState): string {
  const classes = ['state', state.kind];
  if (state.children.length > 0) classes.push('compound');
  if (isRegion) classes.push('region');
  const rect = (inset: number) =>
    `<rect class="${classes.join(' ')}" x="${n(x + inset)}" y="${n(y + inset)}" width="${n(width - 2 * inset)}" ` +
    `height="${n(height - 2 * inset)}" rx="${RADIUS - inset}"/>`;
  const frame = state.type === 'final' ? `${rect(0)}\n${rect(3)}` : rect(0);
  return `${frame}\n${textOf(box.lines, x + PADDING, y + PADDING - 2)}`;
}

function drawLine({ points, isLoud }: PlacedArrow): string {
  const path = rounded(points);
  const [before, tip] = points.slice(-2);
  if (!before || !tip) return '';
  return `<g${isLoud ? ' class="loud"' : ''}><path class="arrow" d="${path}"/>${head(before, tip)}</g>`;
}

type Point = { readonly x: number; readonly y: number };

function head(before: Point, tip: Point): string {
  const length = Math.hypot(tip.x - before.x, tip.y - before.y) || 1;
  const [dx, dy] = [((tip.x - before.x) / length) * 7, ((tip.y - before.y) / length) * 7];
  const left = `${n(tip.x - dx - dy / 2)},${n(tip.y - dy + dx / 2)}`;
  const right = `${n(tip.x - dx + dy / 2)},${n(tip.y - dy - dx / 2)}`;
  return `<polygon class="head" points="${n(tip.x)},${n(tip.y)} ${left} ${right}"/>`;
}

/** The polyline with its corners rounded off. */
function rounded(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (!first) return '';
  let path = `M${n(first.x)} ${n(first.y)}`;
  let from = first;
  rest.forEach((corner, i) => {
    const next = rest[i + 1];
    if (!next) {
      path += `L${n(corner.x)} ${n(corner.y)}`;
      return;
    }
    const near = towards(corner, from);
    const far = towards(corner, next);
    path += `L${n(near.x)} ${n(near.y)}Q${n(corner.x)} ${n(corner.y)} ${n(far.x)} ${n(far.y)}`;
    from = corner;
  });
  return path;
}

function towards(corner: Point, other: Point): Point {
  const length = Math.hypot(other.x - corner.x, other.y - corner.y) || 1;
  const reach = Math.min(6, length / 2) / length;
  return { x: corner.x + (other.x - corner.x) * reach, y: corner.y + (other.y - corner.y) * reach };
}

function drawLabel(label: Placed & { readonly box: Box }): string {
  const { x, y, width, height, box } = label;
  return (
    `<rect class="label" x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="3"/>\n` +
    textOf(box.lines, x + 4, y + 4)
  );
}

function drawLegend(y: number): string {
  return LEGEND.map(
    ([kind, text], i) =>
      `<rect class="state ${kind}" x="${MARGIN + (i % 3) * 200}" y="${y + Math.floor(i / 3) * 22}" width="22" height="14" rx="4"/>` +
      `<text class="body" x="${MARGIN + (i % 3) * 200 + 29}" y="${y + Math.floor(i / 3) * 22 + 11}">${text}</text>`,
  ).join('\n');
}

/** The chart as a picture of its own: no script, no font, no link to anything. */
export function draw(chart: Chart, root: StateModel, everywhere: readonly Line[], layout: Layout): string {
  const width = Math.ceil(Math.max(layout.width, 640) + 2 * MARGIN);
  const about = wrap(chart.about, Math.floor((width - 2 * MARGIN) / BODY.perCharacter));
  const aboutY = MARGIN + 24;
  const legendY = aboutY + about.length * BODY.line + 10;
  const everywhereY = legendY + 54;
  const bodyY = everywhereY + (everywhere.length > 0 ? heightOf(everywhere) + 14 : 4);
  const height = Math.ceil(bodyY + layout.height + MARGIN);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Statechart ${escapeXml(root.key)}">
<style>${style()}</style>
<rect class="paper" width="${width}" height="${height}" rx="12"/>
<text class="heading" x="${MARGIN}" y="${MARGIN + TITLE.line - 4}">${escapeXml(chart.title)}</text>
${about.map((line, i) => `<text class="body" x="${MARGIN}" y="${aboutY + 14 + i * BODY.line}">${escapeXml(line)}</text>`).join('\n')}
${drawLegend(legendY + 6)}
${textOf(everywhere, MARGIN, everywhereY + 4)}
<g transform="translate(${MARGIN} ${bodyY})">
${layout.states.map(drawState).join('\n')}
${layout.arrows.map(drawLine).join('\n')}
${layout.starts.map((s) => `<circle class="start" cx="${n(s.x + s.width / 2)}" cy="${n(s.y + s.height / 2)}" r="5"/>`).join('\n')}
${layout.arrows.flatMap(({ label }) => (label ? [drawLabel(label)] : [])).join('\n')}
</g>
</svg>
`;
}
