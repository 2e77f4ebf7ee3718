import { mutateBytes } from './bytes.ts';
import type { Random } from './random.ts';

/** Changes of a text: words of a dictionary in, lines moved, copied, removed, blanks changed. */
export function textMutator(words: readonly string[]) {
  return (bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array => {
    let text = Buffer.from(bytes).toString('utf8');
    for (let left = 1 + random.below(3); left > 0; left--) {
      const kind = random.below(8);
      if (kind < 2) text = withWord(text, random.pick(words), random);
      else if (kind < 5) text = withLines(text, Buffer.from(other).toString('utf8'), random);
      else if (kind === 5) text = withNumber(text, random);
      else text = Buffer.from(mutateBytes(Buffer.from(text), random, other)).toString('utf8');
    }
    return Buffer.from(text);
  };
}

/** A word put in, or in the place of another one. */
function withWord(text: string, word: string, random: Random): string {
  if (random.oneIn(2)) {
    const at = random.below(text.length + 1);
    return text.slice(0, at) + word + text.slice(at);
  }
  const found = [...text.matchAll(/[^\s:=/?&@,]+/g)];
  if (found.length === 0) return word;
  const match = random.pick(found);
  return text.slice(0, match.index) + word + text.slice(match.index + match[0].length);
}

function withLines(text: string, other: string, random: Random): string {
  const lines = text.split('\n');
  const at = random.below(lines.length);
  const kind = random.below(5);
  if (kind === 0) lines.splice(at, 1);
  else if (kind === 1) lines.splice(random.below(lines.length + 1), 0, lines[at]!);
  else if (kind === 2) lines.splice(at, 0, random.pick(other.split('\n')));
  else if (kind === 3) lines[at] = ' '.repeat(random.below(6)) + lines[at]!.trimStart();
  else lines.splice(random.below(lines.length), 0, ...lines.splice(at, 1));
  return lines.join('\n');
}

const NUMBERS = ['0', '-1', '1', '65535', '65536', '2147483648', '4294967296', '9007199254740993', '1e9'];

function withNumber(text: string, random: Random): string {
  const found = [...text.matchAll(/\d+/g)];
  if (found.length === 0) return text + random.pick(NUMBERS);
  const match = random.pick(found);
  return text.slice(0, match.index) + random.pick(NUMBERS) + text.slice(match.index + match[0].length);
}
