import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import {
  Client,
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { describe, expect, it } from 'vitest';
import { closeAfterTest, eventually, running } from './harness.ts';

const raw = (bytes: Buffer) => bytes;

/** Sends one reflection request; field 3 asks for a file by name, 4 for a symbol's file, 7 for the services. */
function reflect(address: string, version: string, field: number, text: string): Promise<Buffer> {
  const client = new Client(address, credentials.createInsecure());
  closeAfterTest(() => client.close());
  const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
  const stream = client.makeBidiStreamRequest(path, raw, raw);
  const answer = new Promise<Buffer>((resolve, reject) => {
    stream.on('data', resolve);
    stream.on('error', reject);
  });
  const tag = (field << 3) | 2;
  stream.write(Buffer.from(new BinaryWriter().uint32(tag).string(text).finish()));
  stream.end();
  return answer;
}

/** All length-delimited values of one field. */
function fieldsOf(bytes: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(bytes);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === wanted && type === 2) found.push(reader.bytes());
    else reader.skip(type);
  }
  return found;
}

async function fileOf(address: string, version: string, symbol: string): Promise<FileDescriptorProto> {
  const response = await reflect(address, version, 4, symbol);
  const [described] = fieldsOf(response, 4);
  return fromBinary(FileDescriptorProtoSchema, fieldsOf(described ?? new Uint8Array(), 1)[0]!);
}

const pascalCase = (name: string) =>
  name.replaceAll(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase());

describe.each(['v1', 'v1alpha'])('reflection %s', (version) => {
  it('lists every service', async () => {
    const { server } = await running();
    const response = await reflect(server.address, version, 7, '*');
    const [listing] = fieldsOf(response, 6);
    const names = fieldsOf(listing ?? new Uint8Array(), 1).map((entry) =>
      Buffer.from(fieldsOf(entry, 1)[0] ?? []).toString(),
    );
    expect(names.sort()).toEqual([
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
      'lnmux.Service',
    ]);
  });

  it('describes lnmux.Service', async () => {
    const { server } = await running();
    const response = await reflect(server.address, version, 4, 'lnmux.Service');
    const [described] = fieldsOf(response, 4);
    const text = Buffer.from(fieldsOf(described ?? new Uint8Array(), 1)[0] ?? []).toString('latin1');
    for (const name of [
      'lnmux.proto',
      'SubscribeInvoiceAccepted',
      'deadline_height',
      'settle_requested_at',
    ]) {
      expect(text).toContain(name);
    }
  });

  it.each(['lnmux.Service', 'grpc.health.v1.Health'])(
    'names the entries of maps as protoc does: %s',
    async (name) => {
      const { server } = await running();
      const { messageType } = await fileOf(server.address, version, name);
      for (const { field, nestedType } of messageType) {
        const entries = nestedType.filter(({ options }) => options?.mapEntry).map((each) => each.name);
        const maps = field.filter(({ typeName }) => entries.some((entry) => typeName.endsWith(entry)));
        expect(entries).toEqual(maps.map((each) => `${pascalCase(each.name)}Entry`));
      }
    },
  );

  it('answers an unknown symbol with an error message, not with a broken stream', async () => {
    const { server } = await running();
    const response = await reflect(server.address, version, 4, 'lnmux.Nonsense');
    expect(Buffer.from(fieldsOf(response, 7)[0] ?? []).toString()).toContain('lnmux.Nonsense');
  });
});

interface HealthClient {
  check(
    request: { service: string },
    done: (error: ServiceError | null, response?: { status: string }) => void,
  ): void;
  list(
    request: object,
    done: (error: ServiceError | null, response?: { statuses: Record<string, { status: string }> }) => void,
  ): void;
  watch(request: { service: string }): NodeJS.EventEmitter & { cancel(): void };
  close(): void;
}

function healthClient(address: string): HealthClient {
  const loaded = loadPackageDefinition({ 'grpc.health.v1.Health': healthService });
  const path = ['grpc', 'health', 'v1', 'Health'];
  const Health = path.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], loaded);
  const client = new (Health as ServiceClientConstructor)(address, credentials.createInsecure());
  closeAfterTest(() => client.close());
  return client as unknown as HealthClient;
}

function check(client: HealthClient, service: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    client.check({ service }, (error, response) => (error ? reject(error) : resolve(response?.status)));
  });
}

describe('grpc.health.v1', () => {
  it.each(['', 'lnmux.Service'])('reports the state of "%s"', async (service) => {
    const { server } = await running();
    const client = healthClient(server.address);
    expect(await check(client, service)).toBe('SERVING');
    server.setServing(false);
    expect(await check(client, service)).toBe('NOT_SERVING');
    server.setServing(true);
    expect(await check(client, service)).toBe('SERVING');
  });

  it('remembers a state that was set before anyone asked', async () => {
    const { server } = await running();
    server.setServing(false);
    expect(await check(healthClient(server.address), '')).toBe('NOT_SERVING');
  });

  it('does not know other services', async () => {
    const { server } = await running();
    await expect(check(healthClient(server.address), 'nonsense')).rejects.toThrow();
  });

  it('lists all of them', async () => {
    const { server } = await running();
    const statuses = await new Promise((resolve, reject) => {
      healthClient(server.address).list({}, (error, response) =>
        error ? reject(error) : resolve(response?.statuses),
      );
    });
    expect(statuses).toEqual({ '': { status: 'SERVING' }, 'lnmux.Service': { status: 'SERVING' } });
  });

  it('can be watched', async () => {
    const { server } = await running();
    const stream = healthClient(server.address).watch({ service: '' });
    const seen: string[] = [];
    stream.on('data', (response: { status: string }) => seen.push(response.status));
    stream.on('error', () => {});
    await eventually(() => seen.length === 1);
    server.setServing(false);
    await eventually(() => seen.length === 2);
    expect(seen).toEqual(['SERVING', 'NOT_SERVING']);
    stream.cancel();
  });
});
