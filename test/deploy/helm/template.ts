/** The part of Go's template language that the chart uses; anything else is refused, not guessed. */

export type Term =
  | { readonly kind: 'literal'; readonly value: unknown }
  /** `.a.b`, `$.a`, `$x.a`; the root is '' for the dot. */
  | { readonly kind: 'path'; readonly root: string; readonly fields: readonly string[] }
  | { readonly kind: 'call'; readonly name: string }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline };

export type Command = readonly Term[];
export type Pipeline = readonly Command[];

interface Branch {
  readonly condition: Pipeline;
  readonly body: Node[];
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'output'; readonly pipeline: Pipeline }
  | { readonly kind: 'if'; readonly branches: Branch[]; otherwise: Node[] }
  | {
      readonly kind: 'range' | 'with';
      readonly pipeline: Pipeline;
      readonly body: Node[];
      otherwise: Node[];
    }
  | { readonly kind: 'define'; readonly name: string; readonly body: Node[] };

const ACTION = /\{\{(-)?\s*((?:\/\*[\s\S]*?\*\/)|[\s\S]*?)\s*(-)?\}\}/g;

interface Piece {
  readonly text?: string;
  readonly action?: string;
}

function* piecesOf(source: string): Generator<Piece> {
  let at = 0;
  let trimNext = false;
  for (const match of source.matchAll(ACTION)) {
    let text = source.slice(at, match.index);
    if (trimNext) text = text.trimStart();
    if (match[1]) text = text.trimEnd();
    if (text !== '') yield { text };
    if (!match[2]!.startsWith('/*')) yield { action: match[2]! };
    at = match.index + match[0].length;
    trimNext = match[3] !== undefined;
  }
  const rest = source.slice(at);
  yield { text: trimNext ? rest.trimStart() : rest };
}

interface Open {
  readonly node: Node | undefined;
  into: Node[];
}

export function parseTemplate(source: string): Node[] {
  const root: Node[] = [];
  const open: Open[] = [{ node: undefined, into: root }];
  for (const { text, action } of piecesOf(source)) {
    const top = open.at(-1)!;
    if (text !== undefined) {
      top.into.push({ kind: 'text', text });
      continue;
    }
    const [, word = '', rest = ''] = /^(if|else|end|range|with|define)\b\s*([\s\S]*)$/.exec(action!) ?? [];
    if (word === 'end') open.pop();
    else if (word === 'else') continueWith(top, rest);
    else if (word === '') top.into.push({ kind: 'output', pipeline: parsePipeline(action!) });
    else {
      const node = begin(word, rest);
      top.into.push(node);
      open.push({ node, into: node.kind === 'if' ? node.branches[0]!.body : bodyOf(node) });
    }
    if (open.length === 0) throw new Error('an end without a beginning');
  }
  if (open.length !== 1) throw new Error('an end is missing');
  return root;
}

const bodyOf = (node: Node): Node[] => ('body' in node ? node.body : []);

function begin(word: string, rest: string): Node {
  if (word === 'define') return { kind: 'define', name: JSON.parse(rest) as string, body: [] };
  const pipeline = parsePipeline(rest);
  if (word === 'if') return { kind: 'if', branches: [{ condition: pipeline, body: [] }], otherwise: [] };
  return { kind: word as 'range' | 'with', pipeline, body: [], otherwise: [] };
}

function continueWith(top: Open, rest: string): void {
  const { node } = top;
  const next: Node[] = [];
  if (node?.kind === 'if' && rest.startsWith('if ')) {
    node.branches.push({ condition: parsePipeline(rest.slice(3)), body: next });
  } else if (node && 'otherwise' in node && rest === '') node.otherwise = next;
  else throw new Error(`else ${rest} belongs to nothing`);
  top.into = next;
}

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|(-?\d+)(?![\w.])|(\$?(?:\w+)?(?:\.\w+)+|\$\w*|\.)|(\w+)|([|()]))/y;

export function parsePipeline(text: string): Pipeline {
  TOKEN.lastIndex = 0;
  const tokens: RegExpExecArray[] = [];
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const token = TOKEN.exec(text);
    if (!token) throw new Error(`not understood: ${text}`);
    tokens.push(token);
  }
  const pipeline = readPipeline(tokens);
  if (tokens.length > 0) throw new Error(`too much: ${text}`);
  return pipeline;
}

function readPipeline(tokens: RegExpExecArray[]): Pipeline {
  const commands: Term[][] = [[]];
  while (tokens.length > 0) {
    const [, string, number, path, word, sign] = tokens[0]!;
    if (sign === ')') break;
    tokens.shift();
    const command = commands.at(-1)!;
    if (sign === '|') commands.push([]);
    else if (sign === '(') {
      command.push({ kind: 'pipeline', pipeline: readPipeline(tokens) });
      if (tokens.shift()?.[5] !== ')') throw new Error('a ) is missing');
    } else if (string !== undefined) command.push({ kind: 'literal', value: JSON.parse(string) });
    else if (number !== undefined) command.push({ kind: 'literal', value: Number(number) });
    else if (path !== undefined) command.push(pathOf(path));
    else if (word === 'true' || word === 'false') command.push({ kind: 'literal', value: word === 'true' });
    else command.push({ kind: 'call', name: word! });
  }
  if (commands.some((command) => command.length === 0)) throw new Error('an empty command');
  return commands;
}

function pathOf(text: string): Term {
  const [root = '', ...fields] = text.split('.');
  return { kind: 'path', root, fields: fields.filter((field) => field !== '') };
}
