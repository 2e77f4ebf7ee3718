/** What the command line of lnmuxd can ask for. */

export type MigrateAction =
  | { readonly action: 'init' | 'down' | 'reset' | 'version' }
  /** Up to `target`, or to the newest. `node` holds the HTLCs of a database that is older than that knowledge. */
  | { readonly action: 'up'; readonly target: number | undefined; readonly node?: string | undefined }
  | { readonly action: 'set_version'; readonly version: number };

interface WithConfig {
  /** Path as given. */
  readonly config: string;
  readonly strict: boolean;
}

export interface RunCommand extends WithConfig {
  readonly command: 'run';
}

export interface MigrateCommand extends WithConfig {
  readonly command: 'migrate';
  readonly migrate: MigrateAction;
}

/** The simulator has flags of its own; they arrive unparsed. */
export interface SimulateCommand {
  readonly command: 'simulate';
  readonly config: string | undefined;
  readonly strict: boolean;
  readonly args: readonly string[];
}

/** It reads no configuration. Its arguments arrive unparsed. */
export interface AuthCommand {
  readonly command: 'auth';
  readonly args: readonly string[];
}

export interface ConfigCheckCommand extends WithConfig {
  readonly command: 'config check';
}

export type LnmuxdCommand =
  | RunCommand
  | MigrateCommand
  | SimulateCommand
  | AuthCommand
  | ConfigCheckCommand
  | { readonly command: 'help'; readonly topic: string | undefined }
  | { readonly command: 'version' };
