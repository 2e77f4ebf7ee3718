import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/** Names this process where several compete; never empty, and no two are alike. */
export const processName = `${hostname()}-${process.pid}-${randomUUID()}`;
