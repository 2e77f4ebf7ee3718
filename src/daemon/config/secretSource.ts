import { dirname, resolve } from 'node:path';
import { readSecretFile, shownPath } from './secretFile.ts';
import type { Section } from './section.ts';
import { visible } from './setting.ts';

/** Where a secret can be written: a key of the file and an environment variable, each also with a path instead. */
export interface SecretPlaces {
  /** The key; with `File` at its end it names a file. */
  readonly name: string;
  /** The variable; with `_FILE` at its end it names a file. */
  readonly variable: string;
  readonly env: NodeJS.ProcessEnv;
  /** Absolute path of the configuration file: paths in it are relative to its folder. */
  readonly configPath: string;
}

/** The secret, and where to complain about it. */
export interface FoundSecret {
  readonly text: string;
  /** Where it was read, if in a file of its own. */
  readonly file: { readonly path: string; readonly mode: number | undefined } | undefined;
  /** Whether it stands in the configuration file itself. */
  readonly inConfig: boolean;
  problem(message: string): void;
  warning(message: string): void;
  /** Notes the secret for the explanation of the file; to be called once. */
  note(shown: string, remark?: string): void;
}

/** `missing`: it is nowhere. `problem`: it is somewhere, and what is wrong with that has been noted. */
export type SecretResult = FoundSecret | 'missing' | 'problem';

interface Place {
  readonly key: string;
  readonly line: number | undefined;
  readonly source: string | undefined;
}

/**
 * Looks a secret up. The environment, also when set to nothing, goes before the file, as in the Go program. In either
 * of them it may be given itself or by its path, not both.
 */
export function findSecret(section: Section, places: SecretPlaces): SecretResult {
  const { name, variable, env, configPath } = places;
  const fileName = `${name}File`;
  const pathVariable = `${variable}_FILE`;
  const written = section.unnoted(name);
  const writtenPath = section.text(fileName);
  const [given, givenPath] = [env[variable], env[pathVariable]];
  const unset = () => note(section, places, {});
  if (given !== undefined && givenPath !== undefined) {
    section.findings.problem('', undefined, `set together with ${variable}; unset one of them`, pathVariable);
    unset();
    return 'problem';
  }
  if (given !== undefined) return found(section, places, placeOf(variable), given, undefined);
  if (givenPath !== undefined)
    return fromFile(section, places, placeOf(pathVariable), resolve(givenPath), givenPath);
  if (written !== undefined && writtenPath !== undefined) {
    section.problem(fileName, `given together with ${section.keyOf(name)}; remove one of them`);
    unset();
    return 'problem';
  }
  if (writtenPath !== undefined) {
    const place = { key: section.keyOf(fileName), line: section.lineOf(fileName), source: undefined };
    const path = resolve(dirname(configPath), writtenPath);
    return fromFile(section, places, place, path, writtenPath);
  }
  if (written === undefined) {
    unset();
    return section.has(name) ? 'problem' : 'missing';
  }
  const place = { key: section.keyOf(name), line: section.lineOf(name), source: undefined };
  return found(section, places, place, written, undefined);
}

const placeOf = (source: string): Place => ({ key: '', line: undefined, source });

function fromFile(
  section: Section,
  places: SecretPlaces,
  place: Place,
  path: string,
  asWritten: string,
): SecretResult {
  const { findings } = section;
  const failed = (message: string): SecretResult => {
    findings.problem(place.key, place.line, message, place.source);
    note(section, places, { source: place.source });
    return 'problem';
  };
  if (asWritten === '') return failed('is empty; give the path of the file, or remove it');
  const read = readSecretFile(path);
  if (!read.ok) return failed(read.problem);
  return found(section, places, place, read.text, { path, mode: read.mode });
}

function found(
  section: Section,
  places: SecretPlaces,
  { key, line, source }: Place,
  text: string,
  file: FoundSecret['file'],
): FoundSecret {
  const { findings } = section;
  const at = file === undefined ? '' : `${shownPath(file.path)}: `;
  return {
    text,
    file,
    inConfig: source === undefined && file === undefined,
    problem: (message) => findings.problem(key, line, at + message, source),
    warning: (message) => findings.warning(key, line, at + message, source),
    note: (shown, remark) =>
      note(section, places, {
        source,
        shown,
        path: file && visible(file.path),
        ...(remark === undefined ? {} : { remark }),
      }),
  };
}

interface Noted {
  readonly source?: string | undefined;
  readonly shown?: string;
  readonly path?: string | undefined;
  readonly remark?: string;
}

function note(section: Section, { name }: SecretPlaces, { source, shown, path, remark }: Noted): void {
  const { findings, path: block } = section;
  const inFile = section.has(name);
  const line = inFile ? section.lineOf(name) : undefined;
  const origin = source !== undefined ? 'environment' : inFile || path !== undefined ? 'file' : 'default';
  const from = [source, path].filter((part) => part !== undefined).join(', ');
  findings.setting({
    block,
    name,
    origin,
    line,
    value: shown,
    ...(from === '' ? {} : { from }),
    ...(remark === undefined ? {} : { remark }),
  });
}
