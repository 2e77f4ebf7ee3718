import type { ServiceService } from '../../../generated/lnmux.ts';
import type { Role } from './roles.ts';

/** `open`: for everybody, also without any credential. */
export type Needed = Role | 'open';

type ServicePath = (typeof ServiceService)[keyof typeof ServiceService]['path'];

/** A method that is missing here does not compile, and would be refused. */
const SERVICE_ROLES: Readonly<Record<ServicePath, Role>> = {
  '/lnmux.Service/GetInfo': 'read',
  '/lnmux.Service/ListInvoices': 'read',
  '/lnmux.Service/LookupInvoice': 'read',
  '/lnmux.Service/SubscribeSingleInvoice': 'read',
  '/lnmux.Service/WaitForInvoiceFinalStatus': 'read',
  '/lnmux.Service/SubscribeEvents': 'read',
  '/lnmux.Service/ListNodes': 'read',
  '/lnmux.Service/ListFees': 'read',
  '/lnmux.Service/AddInvoice': 'invoices',
  // To subscribe is to say that somebody is here to decide: payers' money is held for whoever does.
  '/lnmux.Service/SubscribeInvoiceAccepted': 'settle',
  '/lnmux.Service/SettleInvoice': 'settle',
  '/lnmux.Service/CancelInvoice': 'settle',
  // What may cost payments and takes a node out of service is for whoever runs it.
  '/lnmux.Service/DrainNode': 'admin',
  '/lnmux.Service/UndrainNode': 'admin',
  '/lnmux.Service/ListUnresolvedParts': 'read',
  // An operator's word about money, which can't be taken back.
  '/lnmux.Service/FinalizePart': 'admin',
};

/**
 * Health has to be asked by probes, which have no credentials; it tells up or down. A watch stays open and costs
 * memory, so it is not for strangers, and the shape of the API is none of their business either.
 */
const COMMON_ROLES: Readonly<Record<string, Needed>> = {
  '/grpc.health.v1.Health/Check': 'open',
  '/grpc.health.v1.Health/List': 'read',
  '/grpc.health.v1.Health/Watch': 'read',
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo': 'read',
  '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo': 'read',
};

const METHOD_ROLES = new Map<string, Needed>(Object.entries({ ...COMMON_ROLES, ...SERVICE_ROLES }));

/** The role that a method needs, by its path; undefined for one that nobody may call. */
export function neededRole(path: string): Needed | undefined {
  return METHOD_ROLES.get(path);
}
