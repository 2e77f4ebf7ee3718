/** Widths of the fonts in the pictures. Estimated on the generous side: no viewer's font may run out of its box. */
export const TITLE = { size: 14, line: 19, perCharacter: 8.9 } as const;
export const BODY = { size: 11, line: 15, perCharacter: 6.2 } as const;
export const CODE = { size: 10.5, line: 14, perCharacter: 6.4 } as const;

export type Font = typeof TITLE | typeof BODY | typeof CODE;

export const widthOf = (text: string, font: Font): number => Math.ceil(text.length * font.perCharacter);

/** The text in lines of at most `width` characters; words that are longer stay whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}

export const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
