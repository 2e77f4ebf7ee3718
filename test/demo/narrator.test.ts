import { describe, expect, it } from 'vitest';
import { Narrator } from '../../demo/narrator.ts';

function listen(options: { isTTY?: boolean; columns?: number }, env: NodeJS.ProcessEnv = {}) {
  const heard = { text: '' };
  const out = {
    ...options,
    write(text: string) {
      heard.text += text;
    },
  };
  return { narrator: new Narrator(out, env), heard };
}

async function tell(narrator: Narrator): Promise<void> {
  narrator.title('A story');
  narrator.chapter('Beginning');
  narrator.fact('name', 'value');
  await narrator.step(
    'working',
    async () => 7,
    (value) => `worked ${value}`,
  );
}

describe('Narrator', () => {
  it('tells the same on a terminal and on a pipe, but for colours and movement', async () => {
    const pipe = listen({});
    await tell(pipe.narrator);
    expect(pipe.heard.text).toBe(
      '\nA story\n\n\n1. Beginning (0.0\u00a0s in)\n\n     name          value\n   ✓ worked 7 (0.0\u00a0s)\n',
    );
    const terminal = listen({ isTTY: true });
    await tell(terminal.narrator);
    expect(terminal.heard.text).toContain('\x1b[1mA story\x1b[0m');
    expect(terminal.heard.text).toContain('⠋ working');
  });

  it.each([{ NO_COLOR: '1' }, { TERM: 'dumb' }])('has no colours with %o', async (env) => {
    const { narrator, heard } = listen({ isTTY: true }, env);
    await tell(narrator);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
    expect(heard.text).not.toMatch(/\x1b\[\d+m/);
  });

  it('never breaks what is to be copied, and breaks prose at the width', () => {
    const { narrator, heard } = listen({ columns: 20 });
    narrator.verbatim('x'.repeat(50));
    narrator.say('one two three four five');
    expect(heard.text).toBe(`   ${'x'.repeat(50)}\n   one two three\n   four five\n`);
  });

  it('marks a step that fails and passes the error on', async () => {
    const { narrator, heard } = listen({});
    await expect(narrator.step('trying', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(heard.text).toBe('   ✗ trying\n');
  });
});
