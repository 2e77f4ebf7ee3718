import { once } from 'node:events';
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { EXIT } from '../exit.ts';
import { lnmuxVersion } from '../version.ts';
import type { CliClient } from './cliClient.ts';
import { commandHelp, generalHelp } from './cliCommands.ts';
import { type CliConnection, ConnectionProblem, plaintextWarning } from './cliConnection.ts';
import type { Json } from './cliJson.ts';
import { completionScript } from './completion.ts';
import { type CliRequest, parseLnmuxcliArgs } from './lnmuxcliArgs.ts';
import { print } from './print.ts';
import { withoutAddressWarnings } from './warnings.ts';

type Online = Exclude<CliRequest, { name: 'decode' | 'completion' }>;

/** Prints what a stream brings, a line each, until it ends or somebody has enough; no faster than it is read. */
async function printLines<Message>(
  client: CliClient,
  stream: ClientReadableStream<Message>,
  jsonOf: (message: Message) => Json,
): Promise<'ended' | 'stopped'> {
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
    for await (const message of stream) {
      const line = JSON.stringify(jsonOf(message as Message));
      if (!process.stdout.write(`${line}\n`) && !stopped) await once(process.stdout, 'drain');
    }
  } catch (error) {
    if (!stopped) throw client.failureOf(error as ServiceError);
  }
  return stopped ? 'stopped' : 'ended';
}

async function watchInvoice(client: CliClient, hash: Uint8Array): Promise<number> {
  const { reportJson } = await import('./reportJson.ts');
  const stream = client.service.subscribeSingleInvoice({ hash: Buffer.from(hash) });
  let last = '';
  const end = await printLines(client, stream, (report) => {
    const json = reportJson(report);
    last = json.state as string;
    return json;
  });
  return end === 'stopped' || last === 'SETTLED' ? EXIT.ok : EXIT.failed;
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
      const message = { hash: Buffer.from(request.hash), fromIssue: request.fromIssue };
      const final = await client.call(service.waitForInvoiceFinalStatus, message, false);
      const answer = json.finalJson(final);
      print(answer);
      return answer.invoice_status === 'SETTLED' ? EXIT.ok : EXIT.failed;
    }
    case 'listinvoices': {
      const message = { maxInvoicesCount: request.max, sequenceStart: request.start };
      print(json.listJson(await client.call(service.listInvoices, message), request.showPreimage));
      return EXIT.ok;
    }
    case 'lookupinvoice': {
      const report = await client.call(service.lookupInvoice, { hash: Buffer.from(request.hash) });
      print((await import('./reportJson.ts')).reportJson(report));
      return EXIT.ok;
    }
    case 'listunresolved': {
      const { unresolvedJson } = await import('./reportJson.ts');
      print(
        unresolvedJson(
          await client.call(service.listUnresolvedParts, { all: request.all, max: request.max }),
        ),
      );
      return EXIT.ok;
    }
    case 'finalizepart': {
      const { chanId, htlcId, settled, evenIfConfigured } = request;
      const outcome = settled ? 1 : 2;
      const message = { node: Buffer.from(request.node), chanId, htlcId, outcome, evenIfConfigured } as const;
      print(await client.call(service.finalizePart, message));
      return EXIT.ok;
    }
    case 'events': {
      const { eventJson } = await import('./reportJson.ts');
      const { after: afterSequence, onlyNew } = request;
      await printLines(client, service.subscribeEvents({ afterSequence, onlyNew }), eventJson);
      return EXIT.ok;
    }
    case 'watchinvoice':
      return watchInvoice(client, request.hash);
    case 'nodes':
    case 'drain':
    case 'undrain':
    case 'fees':
      return (await import('./cliNodes.ts')).askNodes(client, request);
    case 'subscribe':
      await printLines(client, service.subscribeInvoiceAccepted({}), json.acceptedJson);
      return EXIT.ok;
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

async function online(request: Online, connection: CliConnection): Promise<number> {
  const { CallFailure, CliClient } = await import('./cliClient.ts');
  withoutAddressWarnings();
  const warning = plaintextWarning(connection);
  if (warning !== undefined) complain(`warning: ${warning}`);
  let client: CliClient | undefined;
  try {
    client = new CliClient(connection);
    return await ask(client, request);
  } catch (error) {
    if (!(error instanceof CallFailure) && !(error instanceof ConnectionProblem)) throw error;
    complain(error.message);
    if (error instanceof ConnectionProblem) return EXIT.usage;
    return error.unreachable ? EXIT.unreachable : EXIT.failed;
  } finally {
    client?.close();
  }
}

/** Runs lnmuxcli with the arguments after its name and gives its exit status. */
export async function main(args: readonly string[]): Promise<number> {
  const parsed = parseLnmuxcliArgs(args, process.env);
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
      const { request, connection } = parsed;
      if (request.name === 'decode') return decode(request.invoice);
      if (request.name !== 'completion') return online(request, connection);
      process.stdout.write(completionScript(request.shell));
      return EXIT.ok;
    }
  }
}
