import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { CLI_COMMANDS, type CliCommand } from '../../src/daemon/cli/cliCommands.ts';
import { completionScript, SHELLS } from '../../src/daemon/cli/completion.ts';
import { run } from './harness.ts';

const COMMANDS: readonly (readonly [string, CliCommand])[] = Object.entries(CLI_COMMANDS);

/** What a real bash offers for a line, whose last word is being typed. */
function offered(line: string): string[] {
  const words = line.split(' ');
  const script = `${completionScript('bash')}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length - 1}
_lnmuxcli
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', script], {
    encoding: 'utf8',
    cwd: import.meta.dirname,
  });
  expect([status, stderr]).toEqual([0, '']);
  return stdout.split('\n').filter((word) => word !== '');
}

describe('completion in bash', () => {
  it('offers every command, and those that fit what is typed', () => {
    expect(offered('lnmuxcli ')).toEqual([...COMMANDS.map(([name]) => name), 'help']);
    expect(offered('lnmuxcli settle')).toEqual(['settleinvoice']);
    expect(offered('lnmuxcli nosuch')).toEqual([]);
  });

  it.each(COMMANDS)('offers every flag of %s, with the global ones', (name, { flags }) => {
    const all = [...Object.keys(flags), 'rpcserver', 'tlscertpath', 'help', 'version'].map(
      (flag) => `--${flag}`,
    );
    expect(offered(`lnmuxcli ${name} --`)).toEqual(expect.arrayContaining(all));
    expect(offered('lnmuxcli --')).not.toEqual(expect.arrayContaining(['--amt_msat']));
  });

  it('knows which word is the command, whatever flags come before it', () => {
    expect(offered('lnmuxcli --rpcserver host:1 --tlscertpath listinvoices events --')).toContain('--after');
    expect(offered('lnmuxcli --rpcserver host:1 ev')).toEqual(['events']);
  });

  it('offers topics, shells and files where they belong, and nothing for the value of a flag', () => {
    expect(offered('lnmuxcli help lookup')).toEqual(['lookupinvoice']);
    expect(offered('lnmuxcli completion ')).toEqual([...SHELLS]);
    expect(offered('lnmuxcli --tlscertpath completion.te')).toEqual(['completion.test.ts']);
    expect(offered('lnmuxcli addinvoice --amt_msat ')).toEqual([]);
    expect(offered('lnmuxcli settleinvoice ')).toEqual([]);
  });
});

describe('completion in the other shells', () => {
  it.each(SHELLS)('names every command and flag for %s', (shell) => {
    const script = completionScript(shell);
    for (const [name, { flags, summary }] of COMMANDS) {
      expect(script).toMatch(new RegExp(`\\b${name}\\b`));
      const text = summary.replaceAll("'", "'\\''").replaceAll(':', shell === 'zsh' ? '\\:' : ':');
      if (shell !== 'bash') expect(script).toContain(text);
      for (const flag of Object.keys(flags))
        expect(script).toContain(shell === 'fish' ? `-l ${flag}` : `--${flag}`);
    }
  });

  it('balances the quotes of its texts', () => {
    for (const shell of ['zsh', 'fish'] as const) {
      // Every text is in single quotes: a bash that reads them as words must come to an end.
      const words = completionScript(shell)
        .split('\n')
        .filter((line) => /^(complete|\s+')/.test(line));
      const read = spawnSync('bash', ['--norc', '-n'], { input: words.join('\n'), encoding: 'utf8' });
      expect([shell, read.status, read.stderr]).toEqual([shell, 0, '']);
    }
  });
});

describe('lnmuxcli completion', () => {
  it('prints the script and asks no server; an unknown shell is a wrong argument', async () => {
    const done = await run('lnmuxcli', ['completion', 'bash']);
    expect(done).toMatchObject({ code: 0, stderr: '', stdout: completionScript('bash') });
    expect(await run('lnmuxcli', ['completion', 'tcsh'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'lnmuxcli: SHELL must be bash, zsh, fish, for example: completion bash\n',
    });
  });
});
