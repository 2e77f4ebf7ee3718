import { credentials, type ServiceError } from '@grpc/grpc-js';
import { ServiceClient, type SubscribeInvoiceAcceptedResponse } from '../../src/generated/lnmux.ts';

/** What the application does with an accepted payment. */
export type Behaviour = 'settle' | 'hold';

/** An application of lnmux: subscribed to accepted payments, which it settles. */
export class Application {
  readonly client: ServiceClient;
  behaviour: Behaviour = 'settle';
  /** Told of so many accepted payments. */
  accepted = 0;
  onAccepted: () => void = () => {};
  /** Failed calls and streams, by name. */
  readonly faults: Record<string, number> = {};
  readonly #stream: ReturnType<ServiceClient['subscribeInvoiceAccepted']>;

  constructor(address: string) {
    this.client = new ServiceClient(address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    this.#stream = this.client.subscribeInvoiceAccepted({});
    this.#stream.on('data', (message: SubscribeInvoiceAcceptedResponse) => this.#take(message));
    this.#stream.on('error', (error: ServiceError) => this.#fault(`subscription: ${error.message}`));
  }

  /** Resolves once the daemon has answered a call: it also has the subscription then. */
  ready(): Promise<void> {
    return new Promise((done, failed) => {
      this.client.getInfo({}, (error) => (error ? failed(error) : done()));
    });
  }

  #take({ hash, setId }: SubscribeInvoiceAcceptedResponse): void {
    this.accepted++;
    this.onAccepted();
    if (this.behaviour === 'hold') return;
    this.client.settleInvoice({ hash, setId }, (error) => {
      if (error) this.#fault(`SettleInvoice: ${error.message}`);
    });
  }

  #fault(name: string): void {
    this.faults[name] = (this.faults[name] ?? 0) + 1;
  }

  close(): void {
    this.#stream.removeAllListeners('error').on('error', () => {});
    this.#stream.cancel();
    this.client.close();
  }
}
