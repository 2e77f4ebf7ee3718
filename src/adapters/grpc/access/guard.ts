import { ServerCredentials } from '@grpc/grpc-js';
import type { Log } from '../../../actors/ports/log.ts';
import { AccessControl } from './accessControl.ts';
import {
  AccessFileError,
  type AccessPaths,
  fingerprint,
  readAccess,
  readTls,
  type TlsMaterial,
} from './files.ts';
import { ReloadingCredentials } from './reloadingCredentials.ts';

export { AccessFileError, type AccessPaths } from './files.ts';

/** How often the files are looked at: a revoked token is worth nothing after this time. */
const CHECK_MS = 1_000;

/** How often it is said again that the certificate is about to end, and how long before it begins. */
const EXPIRY_REMINDER_MS = 24 * 3_600_000;
const EXPIRY_NOTICE_MS = 30 * 24 * 3_600_000;

export interface GuardOptions {
  readonly paths: AccessPaths;
  readonly log: Log;
  readonly checkMs?: number | undefined;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

/** Somebody may have lost or got a right. */
export interface GuardChange {
  /** Whether the authorities for client certificates are others. */
  readonly authorities: boolean;
}

/** The API's credentials and list of callers, as their files say at the moment. */
export interface Guard {
  readonly credentials: ServerCredentials;
  readonly control: AccessControl;
  onChange(listener: (change: GuardChange) => void): void;
  close(): void;
}

class FileGuard implements Guard {
  readonly credentials: ServerCredentials;
  readonly control: AccessControl;
  readonly #options: GuardOptions;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #files: readonly string[];
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #listeners: ((change: GuardChange) => void)[] = [];
  #seen: string;
  #missing = false;
  #ca: Buffer | undefined;
  #validTo = Number.POSITIVE_INFINITY;
  #remindedAt = Number.NEGATIVE_INFINITY;

  constructor(options: GuardOptions) {
    const { paths, log, now = Date.now, checkMs = CHECK_MS } = options;
    this.#options = options;
    this.#log = log;
    this.#now = now;
    const { tlsCertPath, tlsKeyPath, clientCaPath, accessPath } = paths;
    this.#files = [tlsCertPath, tlsKeyPath, clientCaPath, accessPath].filter((path) => path !== undefined);
    this.control = new AccessControl(
      { tokens: paths.accessPath !== undefined, certificates: paths.clientCaPath !== undefined },
      now,
    );
    this.#seen = fingerprint(this.#files);
    const tls = readTls(paths);
    this.credentials = tls === undefined ? ServerCredentials.createInsecure() : new ReloadingCredentials(tls);
    if (tls !== undefined) this.#note(tls);
    this.#loadAccess();
    if (this.#files.length > 0) this.#timer = setInterval(() => this.#check(), checkMs).unref();
  }

  onChange(listener: (change: GuardChange) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    this.#remindOfExpiry();
    const now = fingerprint(this.#files);
    if (now === this.#seen) return;
    // An editor may take a file away for a moment before it puts the new one there.
    if (now.includes('none') && !this.#missing) {
      this.#missing = true;
      return;
    }
    this.#missing = false;
    this.#seen = now;
    const authorities = this.#reloadTls();
    this.#reloadAccess();
    for (const listener of this.#listeners) listener({ authorities });
  }

  /**
   * A pair that does not fit (one of the two files is yet to be replaced) leaves the old one in use.
   *
   * @returns Whether the authorities for clients are others.
   */
  #reloadTls(): boolean {
    if (!(this.credentials instanceof ReloadingCredentials)) return false;
    try {
      const tls = readTls(this.#options.paths);
      if (tls === undefined) return false;
      this.credentials.replace(tls);
      this.#log.info({}, 'Certificates of the API read again');
      const before = this.#ca;
      this.#note(tls);
      return before !== undefined && tls.ca !== undefined && !before.equals(tls.ca);
    } catch (error) {
      this.#log.error({ reason: reasonOf(error) }, 'Certificates of the API unusable, the old ones stay');
      return false;
    }
  }

  /** A list that can't be read lets nobody in: it may have been taken away for that. */
  #reloadAccess(): void {
    try {
      this.#loadAccess();
    } catch (error) {
      this.control.setEntries([]);
      this.#log.error({ reason: reasonOf(error) }, 'Access file unusable, no token is taken');
    }
  }

  #loadAccess(): void {
    const access = readAccess(this.#options.paths);
    if (access === undefined) return;
    this.control.setEntries(access.entries);
    const source = this.#options.paths.accessPath;
    for (const { line, message } of access.problems) {
      this.#log.error({ source, line, reason: message }, 'Line of the access file left out');
    }
    this.#log.info({ source, entries: access.entries.length }, 'Access file read');
  }

  #note({ ca, validTo }: TlsMaterial): void {
    this.#ca = ca;
    this.#validTo = validTo;
    this.#remindedAt = Number.NEGATIVE_INFINITY;
    this.#remindOfExpiry();
  }

  #remindOfExpiry(): void {
    const now = this.#now();
    if (this.#validTo - now > EXPIRY_NOTICE_MS || now - this.#remindedAt < EXPIRY_REMINDER_MS) return;
    this.#remindedAt = now;
    const validTo = new Date(this.#validTo).toISOString();
    const advice = 'make a new one (lnmuxd auth server)';
    if (now < this.#validTo) this.#log.warn({ validTo, advice }, 'Certificate of the API ends soon');
    else this.#log.error({ validTo, advice }, 'Certificate of the API has ended, clients refuse it');
  }
}

function reasonOf(error: unknown): string {
  return error instanceof AccessFileError ? error.message : 'unexpected';
}

/**
 * Reads the files and looks at them again every second, until closed.
 *
 * @throws AccessFileError when one of them can't be used.
 */
export function openGuard(options: GuardOptions): Guard {
  return new FileGuard(options);
}
