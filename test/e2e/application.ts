import { type CallOptions, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  InvoiceStatus,
  ServiceClient,
  type SubscribeInvoiceAcceptedResponse,
} from '../../src/generated/lnmux.ts';

type Method<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => unknown;

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** An invoice as the application got it. */
export interface Issued {
  readonly text: string;
  readonly hash: Buffer;
  readonly hashHex: string;
  readonly preimageHex: string;
}

/** A complete payment as it was announced. */
export interface Announced {
  readonly hash: string;
  readonly setId: Buffer;
  readonly deadlineHeight: number;
}

/** The application on the other side of lnmux's API. */
export class App {
  readonly client: ServiceClient;
  /** Accepted sets in the order of arrival. */
  readonly accepted: Announced[] = [];
  #stream: { cancel(): void } | undefined;
  #watchers = new Set<() => void>();

  readonly #limitMs: number;

  /** `limitMs`: how long a call, or an announcement, may take. */
  constructor(address: string, limitMs = 30_000) {
    this.#limitMs = limitMs;
    this.client = new ServiceClient(address, credentials.createInsecure());
  }

  /** Listens for accepted sets; resolves once the server knows of it. */
  async subscribe(): Promise<void> {
    const stream = this.client.subscribeInvoiceAccepted({});
    this.#stream = stream;
    stream.on('data', ({ hash, setId, deadlineHeight }: SubscribeInvoiceAcceptedResponse) => {
      this.accepted.push({ hash: hex(hash), setId: Buffer.from(setId), deadlineHeight });
      for (const wake of [...this.#watchers]) wake();
    });
    stream.on('error', () => {});
    // Calls of one connection are taken up in order: after this one, the other is there.
    await this.call(this.client.getInfo, {});
  }

  call<Request, Response>(method: Method<Request, Response>, request: Request): Promise<Response> {
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + this.#limitMs };
      method.call(this.client, request, new Metadata(), options, (error, response) =>
        error ? reject(error) : resolve(response),
      );
    });
  }

  /** The status code of a call: 0 for OK. */
  async code<Request, Response>(method: Method<Request, Response>, request: Request): Promise<number> {
    return this.call(method, request).then(
      () => 0,
      (error: ServiceError) => error.code,
    );
  }

  async invoice(amountMsat: bigint, expirySecs = 3_600n): Promise<Issued> {
    const { paymentRequest, hash, preimage } = await this.call(this.client.addInvoice, {
      amtMsat: amountMsat,
      description: 'test',
      descriptionHash: Buffer.alloc(0),
      expirySecs,
    });
    return {
      text: paymentRequest,
      hash: Buffer.from(hash),
      hashHex: hex(hash),
      preimageHex: hex(preimage),
    };
  }

  /** Name of the nth accepted set of an invoice. */
  async acceptedSet(issued: Issued, count = 1): Promise<Buffer> {
    return (await this.acceptedOf(issued, count)).setId;
  }

  /** The nth accepted set of an invoice. */
  async acceptedOf({ hashHex }: Issued, count = 1): Promise<Announced> {
    const deadline = Date.now() + this.#limitMs;
    for (;;) {
      const found = this.accepted.filter(({ hash }) => hash === hashHex)[count - 1];
      if (found) return found;
      if (Date.now() > deadline) throw new Error('the set was not announced');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500);
        const wake = () => {
          clearTimeout(timer);
          this.#watchers.delete(wake);
          resolve();
        };
        this.#watchers.add(wake);
      });
    }
  }

  settle({ hash }: Issued, setId: Buffer): Promise<number> {
    return this.code(this.client.settleInvoice, { hash, setId });
  }

  cancel({ hash }: Issued, setId: Buffer): Promise<number> {
    return this.code(this.client.cancelInvoice, { hash, setId });
  }

  /** SETTLED or FAILED, as text. */
  async finalStatus({ hash }: Issued): Promise<string> {
    const { invoiceStatus } = await this.call(this.client.waitForInvoiceFinalStatus, { hash });
    return Object.entries(InvoiceStatus).find(([, value]) => value === invoiceStatus)?.[0] ?? 'unknown';
  }

  close(): void {
    this.#stream?.cancel();
    this.client.close();
  }
}
