import { CLI_COMMANDS, CLI_GLOBALS, type CliCommand } from './cliCommands.ts';
import type { FlagSpecs } from './flags.ts';

export type Shell = 'bash' | 'zsh' | 'fish';
export const SHELLS: readonly Shell[] = ['bash', 'zsh', 'fish'];

const COMMANDS: Readonly<Record<string, CliCommand>> = CLI_COMMANDS;
const NAMES = [...Object.keys(COMMANDS), 'help'];

/** What may follow a command as a plain word, where that is a word of a known list. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  help: Object.keys(COMMANDS),
  completion: SHELLS,
};

const summaryOf = (name: string): string => COMMANDS[name]?.summary ?? 'more about a command';

/** What the help says about a flag: the rest of its line among the details. */
function aboutFlag(name: string, command: CliCommand | undefined): string {
  const line = command?.details.find((detail) => detail.startsWith(`--${name} `));
  return line?.replace(/^--\S+ (?:[A-Z]+ )?\s*/, '') ?? '';
}

const longFlags = (specs: FlagSpecs): string[] => Object.keys(specs).map((name) => `--${name}`);

/** Flags that the next word belongs to, of any command. */
function flagsWithValue(completes: 'files' | undefined): string[] {
  const all = [CLI_GLOBALS, ...Object.values(COMMANDS).map(({ flags }) => flags)];
  const wanted = all.flatMap((specs) =>
    Object.entries(specs)
      .filter(([, spec]) => spec.type === 'string' && spec.completes === completes)
      .map(([name]) => `--${name}`),
  );
  return [...new Set(wanted)];
}

function bashScript(): string {
  const files = flagsWithValue('files');
  const others = flagsWithValue(undefined);
  const perCommand = Object.entries(COMMANDS)
    .filter(([, { flags }]) => Object.keys(flags).length > 0)
    .map(([name, { flags }]) => `      ${name}) flags+=" ${longFlags(flags).join(' ')}" ;;`)
    .join('\n');
  const words = Object.entries(WORDS)
    .map(([name, list]) => `    ${name}) words="${list.join(' ')}" ;;`)
    .join('\n');
  return `# lnmuxcli: completion for bash
_lnmuxcli() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local command="" words="" flags="${longFlags(CLI_GLOBALS).join(' ')}" i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${[...files, ...others].join('|')}) i=$((i + 1)) ;;
      -*) ;;
      *) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  case $prev in
    ${files.join('|')}) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ${others.join('|')}) return ;;
  esac
  if [[ $cur == -* ]]; then
    case $command in
${perCommand}
    esac
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
    return
  fi
  case $command in
    "") words="${NAMES.join(' ')}" ;;
${words}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _lnmuxcli lnmuxcli
`;
}

/** A text in single quotes, for zsh and fish; zsh also takes brackets and colons of descriptions for its own. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const zshText = (text: string): string => text.replaceAll(/[[\]:\\]/g, '\\$&');

function zshFlags(specs: FlagSpecs, command?: CliCommand): string[] {
  return Object.entries(specs).map(([name, spec]) => {
    const value = spec.type === 'boolean' ? '' : `:${name}:${spec.completes === 'files' ? '_files' : ' '}`;
    return quoted(`--${name}[${zshText(aboutFlag(name, command))}]${value}`);
  });
}

function zshScript(): string {
  const commands = NAMES.map((name) => `    ${quoted(`${name}:${zshText(summaryOf(name))}`)}`).join('\n');
  const perCommand = NAMES.map((name) => {
    const words = WORDS[name] ? [quoted(`1: :(${WORDS[name].join(' ')})`)] : [];
    const args = [...zshFlags(COMMANDS[name]?.flags ?? {}, COMMANDS[name]), ...words];
    return `    ${name}) _arguments $globals ${args.join(' ')} ;;`;
  }).join('\n');
  return `#compdef lnmuxcli
# lnmuxcli: completion for zsh
_lnmuxcli() {
  local state line
  local -a globals commands
  globals=(${zshFlags(CLI_GLOBALS).join(' ')})
  commands=(
${commands}
  )
  _arguments -C $globals '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest)
  case $line[1] in
${perCommand}
  esac ;;
  esac
}
if [[ $funcstack[1] == _lnmuxcli ]]; then _lnmuxcli "$@"; else compdef _lnmuxcli lnmuxcli; fi
`;
}

function fishFlags(specs: FlagSpecs, condition: string, command?: CliCommand): string[] {
  return Object.entries(specs).map(([name, spec]) => {
    const short = spec.short === undefined ? '' : ` -s ${spec.short}`;
    const value = spec.type === 'boolean' ? '' : spec.completes === 'files' ? ' -r -F' : ' -x';
    const about = aboutFlag(name, command);
    const text = about === '' ? '' : ` -d ${quoted(about)}`;
    return `complete -c lnmuxcli${condition}${short} -l ${name}${value}${text}`;
  });
}

function fishScript(): string {
  const commands = NAMES.map(
    (name) => `complete -c lnmuxcli -n __fish_use_subcommand -a ${name} -d ${quoted(summaryOf(name))}`,
  );
  const perCommand = NAMES.flatMap((name) => {
    const condition = ` -n '__fish_seen_subcommand_from ${name}'`;
    const words = WORDS[name] ? [`complete -c lnmuxcli${condition} -a '${WORDS[name].join(' ')}'`] : [];
    return [...fishFlags(COMMANDS[name]?.flags ?? {}, condition, COMMANDS[name]), ...words];
  });
  const lines = ['complete -c lnmuxcli -f', ...fishFlags(CLI_GLOBALS, ''), ...commands, ...perCommand];
  return `# lnmuxcli: completion for fish\n${lines.join('\n')}\n`;
}

/** A script that completes the commands and flags of lnmuxcli. Made of the table of commands: it can't be behind. */
export function completionScript(shell: Shell): string {
  switch (shell) {
    case 'bash':
      return bashScript();
    case 'zsh':
      return zshScript();
    case 'fish':
      return fishScript();
  }
}
