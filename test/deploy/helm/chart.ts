import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { FUNCTIONS, isTrue, text } from './functions.ts';
import { type Command, type Node, type Pipeline, parseTemplate, type Term } from './template.ts';

export type Fields = Record<string, unknown>;

export const CHART = join(import.meta.dirname, '../../../deploy/helm/lnmux');

export interface Release {
  readonly name: string;
  readonly namespace: string;
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function merged(base: Fields, over: Fields): Fields {
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = result[key];
    result[key] = isFields(before) && isFields(value) ? merged(before, value) : value;
  }
  return result;
}

const read = (...path: string[]) => readFileSync(join(CHART, ...path), 'utf8');

/** The values of a release: the chart's own with the operator's over them. */
export const valuesWith = (values: Fields): Fields => merged(parse(read('values.yaml')) as Fields, values);

/** The objects that `helm template` would give for these values, by a renderer of our own, and the notes. */
export function renderChart(values: Fields, release: Release): { objects: Fields[]; notes: string } {
  const chart = parse(read('Chart.yaml')) as Fields;
  const dot = {
    Values: valuesWith(values),
    Release: { Name: release.name, Namespace: release.namespace, Service: 'Helm' },
    Chart: { Name: chart.name, Version: chart.version, AppVersion: chart.appVersion },
  };
  const files = readdirSync(join(CHART, 'templates')).sort();
  const templates = new Map(files.map((file) => [file, parseTemplate(read('templates', file))]));
  const renderer = new Renderer([...templates.values()].flat());
  const objects: Fields[] = [];
  for (const [file, nodes] of templates) {
    if (!file.endsWith('.yaml')) continue;
    for (const document of parseAllDocuments(renderer.render(nodes, dot))) {
      if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0]!.message}`);
      const object = document.toJS() as Fields | null;
      if (object) objects.push(object);
    }
  }
  return { objects, notes: renderer.render(templates.get('NOTES.txt')!, dot) };
}

class Renderer {
  readonly #defined = new Map<string, readonly Node[]>();

  constructor(nodes: readonly Node[]) {
    for (const node of nodes) if (node.kind === 'define') this.#defined.set(node.name, node.body);
  }

  render(nodes: readonly Node[], dot: unknown, root: unknown = dot): string {
    return nodes.map((node) => this.#node(node, dot, root)).join('');
  }

  #node(node: Node, dot: unknown, root: unknown): string {
    switch (node.kind) {
      case 'text':
        return node.text;
      case 'define':
        return '';
      case 'output':
        return text(this.#pipeline(node.pipeline, dot, root));
      case 'if': {
        const branch = node.branches.find(({ condition }) => isTrue(this.#pipeline(condition, dot, root)));
        return this.render(branch?.body ?? node.otherwise, dot, root);
      }
      case 'with': {
        const value = this.#pipeline(node.pipeline, dot, root);
        return isTrue(value) ? this.render(node.body, value, root) : this.render(node.otherwise, dot, root);
      }
      case 'range': {
        const value = this.#pipeline(node.pipeline, dot, root);
        if (!isTrue(value)) return this.render(node.otherwise, dot, root);
        return Object.values(value as object)
          .map((item) => this.render(node.body, item, root))
          .join('');
      }
    }
  }

  #pipeline(pipeline: Pipeline, dot: unknown, root: unknown): unknown {
    let value: unknown;
    pipeline.forEach((command, index) => {
      value = this.#command(command, index === 0 ? [] : [value], dot, root);
    });
    return value;
  }

  #command([first, ...rest]: Command, piped: readonly unknown[], dot: unknown, root: unknown): unknown {
    const args = [...rest.map((term) => this.#term(term, dot, root)), ...piped];
    if (first?.kind !== 'call') {
      if (args.length > 0) throw new Error('only functions take arguments');
      return this.#term(first!, dot, root);
    }
    if (first.name === 'include') {
      const body = this.#defined.get(args[0] as string);
      if (!body) throw new Error(`${args[0]} is not defined`);
      return this.render(body, args[1]);
    }
    const fn = FUNCTIONS[first.name];
    if (!fn) throw new Error(`the function ${first.name} is not known here`);
    return fn(...(args as never[]));
  }

  #term(term: Term, dot: unknown, root: unknown): unknown {
    switch (term.kind) {
      case 'literal':
        return term.value;
      case 'pipeline':
        return this.#pipeline(term.pipeline, dot, root);
      case 'call':
        return this.#command([term], [], dot, root);
      case 'path': {
        if (term.root !== '' && term.root !== '$')
          throw new Error(`variables are not known here: ${term.root}`);
        let value = term.root === '$' ? root : dot;
        for (const field of term.fields) {
          // A value that is not there may be asked for; one inside of it may not, as in Go.
          if (value === undefined || value === null)
            throw new Error(`nil pointer at .${term.fields.join('.')}`);
          value = (value as Fields)[field];
        }
        return value;
      }
    }
  }
}
