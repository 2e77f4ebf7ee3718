const INDENT = '   ';
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
/** On a pipe nothing turns: a step that takes longer than this is announced by a line of its own. */
const SLOW_MS = 2_000;
const LABEL_WIDTH = 14;

const COLOURS = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export interface NarratorOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Tells a story on a terminal, in numbered chapters. On a pipe it tells the same without colour or movement. */
export class Narrator {
  readonly #out: NarratorOutput;
  readonly #lively: boolean;
  readonly #colours: boolean;
  readonly #started = performance.now();
  #chapters = 0;
  #spinner: string | undefined;

  /** @param env NO_COLOR (of any value but empty) and TERM=dumb turn colours off. */
  constructor(out: NarratorOutput, env: NodeJS.ProcessEnv) {
    this.#out = out;
    this.#lively = out.isTTY === true && env.TERM !== 'dumb';
    this.#colours = this.#lively && !env.NO_COLOR;
  }

  title(text: string): void {
    this.#print('', this.paint('bold', text), '');
  }

  chapter(title: string): void {
    this.#chapters += 1;
    const time = this.paint('dim', `(${seconds(performance.now() - this.#started)} in)`);
    this.#print('', `${this.paint('bold', `${this.#chapters}. ${title}`)} ${time}`, '');
  }

  /** A paragraph. */
  say(text: string): void {
    this.#print(...wrap(text, this.#width - INDENT.length).map((line) => INDENT + line));
  }

  gap(): void {
    this.#print('');
  }

  /** One line of a table: a name and what belongs to it. */
  fact(name: string, value: string): void {
    this.#print(`${INDENT}  ${this.paint('dim', name.padEnd(LABEL_WIDTH))}${value}`);
  }

  /** A remark on what has just happened. */
  note(text: string): void {
    this.#print(...wrap(text, this.#width - INDENT.length - 2).map((line) => `${INDENT}  ${line}`));
  }

  /** Text that is copied rather than read: never broken. */
  verbatim(text: string): void {
    this.#print(`${INDENT}${this.paint('cyan', text)}`);
  }

  /** Something that has just happened. */
  happened(text: string): void {
    this.#marked(this.paint('green', '✓'), text);
  }

  trouble(text: string): void {
    this.#marked(this.paint('red', '✗'), text);
  }

  /**
   * Does something that may take a while, with signs of life.
   *
   * @param doing "Bob starts": shown until it is done.
   * @param done The line for afterwards; `doing` by default. The time it took is added.
   */
  async step<T>(doing: string, work: () => Promise<T>, done?: (value: T) => string): Promise<T> {
    const began = performance.now();
    const stop = this.#signsOfLife(doing, began);
    try {
      const value = await work();
      stop();
      this.happened(`${done ? done(value) : doing} (${seconds(performance.now() - began)})`);
      return value;
    } catch (error) {
      stop();
      this.trouble(doing);
      throw error;
    }
  }

  paint(colour: keyof typeof COLOURS, text: string): string {
    return this.#colours ? `\x1b[${COLOURS[colour]}m${text}\x1b[0m` : text;
  }

  #marked(mark: string, text: string): void {
    const [first = '', ...rest] = wrap(text, this.#width - INDENT.length - 2);
    this.#print(`${INDENT}${mark} ${first}`, ...rest.map((line) => `${INDENT}  ${line}`));
  }

  get #width(): number {
    return Math.min(this.#out.columns ?? 84, 100);
  }

  #signsOfLife(doing: string, began: number): () => void {
    if (!this.#lively) {
      const timer = setTimeout(() => this.#print(`${INDENT}… ${doing}`), SLOW_MS);
      return () => clearTimeout(timer);
    }
    let frame = 0;
    const draw = () => {
      const sign = SPINNER[frame++ % SPINNER.length]!;
      const text = `${sign} ${doing} ${seconds(performance.now() - began)}`;
      this.#spinner = `\r\x1b[2K${INDENT}${text.slice(0, (this.#out.columns ?? 80) - INDENT.length - 1)}`;
      this.#out.write(this.#spinner);
    };
    draw();
    const timer = setInterval(draw, FRAME_MS);
    return () => {
      clearInterval(timer);
      this.#spinner = undefined;
      this.#out.write('\r\x1b[2K');
    };
  }

  #print(...lines: readonly string[]): void {
    if (this.#spinner !== undefined) this.#out.write('\r\x1b[2K');
    this.#out.write(`${lines.join('\n')}\n`);
    if (this.#spinner !== undefined) this.#out.write(this.#spinner);
  }
}

/** "1.3 s", which is never broken between two lines. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)}\u00a0s`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/[ \n]+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}
