import { once } from 'node:events';
import type { ServiceError } from '@grpc/grpc-js';
import type { SubscribeInvoiceAcceptedResponse } from '../../generated/lnmux.ts';
import { EXIT } from '../exit.ts';
import { lnmuxVersion } from '../version.ts';
import type { CliClient } from './cliClient.ts';
import { commandHelp, generalHelp } from './cliCommands.ts';
import { type CliRequest, parseLnmuxcliArgs } from './lnmuxcliArgs.ts';

type Online = Exclude<CliRequest, { name: 'decode' }>;

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Prints sets until the stream ends, no faster than they are read. */
async function subscribe(client: CliClient): Promise<number> {
  const { acceptedJson } = await import('./cliJson.ts');
  const stream = client.service.subscribeInvoiceAccepted({});
  let stopped = false;
  const stop = () => {
    stopped = true;
    stream.cancel();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  // The reader of a pipe has enough.
  process.stdout.once('error', stop);
  try {
    for await (const set of stream) {
      const line = JSON.stringify(acceptedJson(set as SubscribeInvoiceAcceptedResponse));
      if (!process.stdout.write(`${line}\n`) && !stopped) await once(process.stdout, 'drain');
    }
  } catch (error) {
    if (stopped) return EXIT.ok;
    throw client.failureOf(error as ServiceError);
  }
  return EXIT.ok;
}

async function ask(client: CliClient, request: Online): Promise<number> {
  const json = await import('./cliJson.ts');
  const { service } = client;
  switch (request.name) {
    case 'getinfo':
      print(json.infoJson(await client.call(service.getInfo, {})));
      return EXIT.ok;
    case 'addinvoice': {
      const { amtMsat, expirySecs, memo: description } = request;
      const descriptionHash = Buffer.from(request.descriptionHash);
      const message = { amtMsat, expirySecs, description, descriptionHash };
      print(json.addedJson(await client.call(service.addInvoice, message), request.showPreimage));
      return EXIT.ok;
    }
    case 'settleinvoice':
    case 'cancelinvoice': {
      const message = { hash: Buffer.from(request.hash), setId: Buffer.from(request.setId) };
      const method = request.name === 'settleinvoice' ? service.settleInvoice : service.cancelInvoice;
      print(await client.call(method, message));
      return EXIT.ok;
    }
    case 'wait': {
      const { hash } = request;
      const final = await client.call(service.waitForInvoiceFinalStatus, { hash: Buffer.from(hash) }, false);
      const answer = json.finalJson(final);
      print(answer);
      return answer.invoice_status === 'SETTLED' ? EXIT.ok : EXIT.failed;
    }
    case 'listinvoices': {
      const message = { maxInvoicesCount: request.max, sequenceStart: request.start };
      print(json.listJson(await client.call(service.listInvoices, message), request.showPreimage));
      return EXIT.ok;
    }
    case 'subscribe':
      return subscribe(client);
  }
}

function complain(text: string): void {
  process.stderr.write(`lnmuxcli: ${text}\n`);
}

async function decode(text: string): Promise<number> {
  const [{ decodeInvoice }, { DecodeError }, { decodedJson }] = await Promise.all([
    import('../../lightning/bolt11.ts'),
    import('../../lightning/errors.ts'),
    import('./cliJson.ts'),
  ]);
  try {
    print(decodedJson(decodeInvoice(text.trim().replace(/^lightning:/i, ''))));
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    complain(`not a valid invoice: ${error.message}`);
    return EXIT.usage;
  }
}

async function online(request: Online, server: string, tlsCertPath: string | undefined): Promise<number> {
  const { BadCertificate, CallFailure, CliClient } = await import('./cliClient.ts');
  let client: CliClient | undefined;
  try {
    client = new CliClient(server, tlsCertPath);
    return await ask(client, request);
  } catch (error) {
    if (!(error instanceof CallFailure) && !(error instanceof BadCertificate)) throw error;
    complain(error.message);
    if (error instanceof BadCertificate) return EXIT.usage;
    return error.unreachable ? EXIT.unreachable : EXIT.failed;
  } finally {
    client?.close();
  }
}

/** Runs lnmuxcli with the arguments after its name and gives its exit status. */
export async function main(args: readonly string[]): Promise<number> {
  const parsed = parseLnmuxcliArgs(args);
  switch (parsed.kind) {
    case 'problem':
      complain(parsed.problem);
      return EXIT.usage;
    case 'version':
      process.stdout.write(`lnmuxcli ${lnmuxVersion()}\n`);
      return EXIT.ok;
    case 'help':
      process.stdout.write(parsed.topic === undefined ? generalHelp() : commandHelp(parsed.topic));
      return EXIT.ok;
    case 'request': {
      const { request, server, tlsCertPath } = parsed;
      return request.name === 'decode' ? decode(request.invoice) : online(request, server, tlsCertPath);
    }
  }
}
