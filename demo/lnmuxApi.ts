import { credentials, type ServiceError } from '@grpc/grpc-js';
import {
  type AddInvoiceRequest,
  type AddInvoiceResponse,
  type InvoiceStatus,
  type ListInvoicesResponse,
  ServiceClient,
  type SubscribeInvoiceAcceptedResponse,
} from '../src/generated/lnmux.ts';

type Callback<T> = (error: ServiceError | null, value: T) => void;

/**
 * lnmux's API with promises in place of callbacks. In a project of your own, generate a client for your language
 * from proto/lnmux.proto. Every call rejects with a ServiceError, whose `code` says what to do about it.
 */
export class LnmuxApi {
  readonly #client: ServiceClient;

  /** @param address host:port of lnmuxd. */
  constructor(address: string) {
    this.#client = new ServiceClient(address, credentials.createInsecure());
  }

  addInvoice(request: Partial<AddInvoiceRequest>): Promise<AddInvoiceResponse> {
    const { amtMsat = 0n, description = '', descriptionHash = Buffer.alloc(0), expirySecs = 3600n } = request;
    const message = { amtMsat, description, descriptionHash, expirySecs };
    return promised((done) => this.#client.addInvoice(message, done));
  }

  /** Complete payments that wait for a decision. Ends with an error when the connection does, or on abort. */
  async *accepted(signal: AbortSignal): AsyncGenerator<SubscribeInvoiceAcceptedResponse> {
    const stream = this.#client.subscribeInvoiceAccepted({});
    const cancel = () => stream.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      yield* stream;
    } finally {
      signal.removeEventListener('abort', cancel);
      stream.cancel();
    }
  }

  async settle(hash: Buffer, setId: Buffer): Promise<void> {
    await promised((done: Callback<unknown>) => this.#client.settleInvoice({ hash, setId }, done));
  }

  async cancel(hash: Buffer, setId: Buffer): Promise<void> {
    await promised((done: Callback<unknown>) => this.#client.cancelInvoice({ hash, setId }, done));
  }

  /** Waits, however long it takes, until the money is here or is not. */
  waitForFinalStatus(hash: Buffer): Promise<{ invoiceStatus: InvoiceStatus; failureReason: string }> {
    return promised((done) => this.#client.waitForInvoiceFinalStatus({ hash }, done));
  }

  listInvoices(): Promise<ListInvoicesResponse> {
    const message = { maxInvoicesCount: 100n, sequenceStart: 0n };
    return promised((done) => this.#client.listInvoices(message, done));
  }

  close(): void {
    this.#client.close();
  }
}

function promised<T>(call: (done: Callback<T>) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value)));
  });
}
