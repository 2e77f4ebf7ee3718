import { credentials, type ServiceError } from '@grpc/grpc-js';
import { ServiceClient } from '../../src/generated/lnmux.ts';

/** An application that has subscribed and reads nothing. */
export class SlowSubscriber {
  /** Messages that this side's library had taken all the same. */
  received = 0;
  readonly #client: ServiceClient;
  readonly #stream: ReturnType<ServiceClient['subscribeInvoiceAccepted']>;

  private constructor(client: ServiceClient) {
    this.#client = client;
    this.#stream = client.subscribeInvoiceAccepted({});
    this.#stream.on('error', (_: ServiceError) => {});
    this.#stream.pause();
  }

  static async open(address: string): Promise<SlowSubscriber> {
    const client = new ServiceClient(address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    const slow = new SlowSubscriber(client);
    await new Promise<void>((done, failed) => {
      client.getInfo({}, (error) => (error ? failed(error) : done()));
    });
    return slow;
  }

  close(): void {
    this.#stream.on('data', () => this.received++);
    this.#stream.cancel();
    this.#client.close();
  }
}
