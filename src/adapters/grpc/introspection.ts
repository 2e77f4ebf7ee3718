import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { Server, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { HealthImplementation } from 'grpc-health-check';

/**
 * grpc.health.v1 and reflection (v1 and v1alpha) come from libraries that read .proto files with protobufjs: about
 * 60 ms, more than the rest of the API needs to start. So their methods are registered at once under their names,
 * and the library behind them is loaded by the first call that needs it.
 */
interface Loaded {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

interface Method {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

const require = createRequire(import.meta.url);

/** Stands in for a server: collects what a library would add to one. */
class Collector {
  readonly services: Loaded[] = [];

  addService(definition: unknown, implementation: unknown): void {
    this.services.push({
      definition: definition as ServiceDefinition,
      implementation: implementation as UntypedServiceImplementation,
    });
  }
}

function addLazily(server: Server, methods: Readonly<Record<string, Method>>, load: () => Loaded): void {
  const definition: Record<string, ServiceDefinition[string]> = {};
  const implementation: UntypedServiceImplementation = {};
  const serviceOf = (name: string) => load().definition[name] as ServiceDefinition[string];
  for (const [name, method] of Object.entries(methods)) {
    definition[name] = {
      ...method,
      requestSerialize: (value) => serviceOf(name).requestSerialize(value),
      requestDeserialize: (bytes) => serviceOf(name).requestDeserialize(bytes),
      responseSerialize: (value) => serviceOf(name).responseSerialize(value),
      responseDeserialize: (bytes) => serviceOf(name).responseDeserialize(bytes),
    };
    implementation[name] = (...args: unknown[]) => {
      const loaded = load().implementation;
      const handler = (loaded[name] ?? loaded[name.charAt(0).toLowerCase() + name.slice(1)]) as (
        ...args: unknown[]
      ) => void;
      handler(...args);
    };
  }
  server.addService(definition, implementation);
}

function once<Value>(make: () => Value): () => Value {
  let value: Value | undefined;
  return () => {
    value ??= make();
    return value;
  };
}

export type Serving = 'SERVING' | 'NOT_SERVING';

/** The state that grpc.health.v1 reports for the server as a whole ("") and for lnmux.Service. */
export interface Health {
  set(state: Serving): void;
}

const HEALTH_PATH = '/grpc.health.v1.Health/';
const healthMethods = {
  Check: { path: `${HEALTH_PATH}Check`, requestStream: false, responseStream: false },
  List: { path: `${HEALTH_PATH}List`, requestStream: false, responseStream: false },
  Watch: { path: `${HEALTH_PATH}Watch`, requestStream: false, responseStream: true },
};

/** Adds grpc.health.v1, at first NOT_SERVING. */
export function addHealth(server: Server): Health {
  const names = ['', 'lnmux.Service'];
  let state: Serving = 'NOT_SERVING';
  let library: HealthImplementation | undefined;
  const load = once((): Loaded => {
    const health = require('grpc-health-check') as typeof import('grpc-health-check');
    library = new health.HealthImplementation(Object.fromEntries(names.map((name) => [name, state])));
    const collector = new Collector();
    library.addToServer(collector);
    return collector.services[0] as Loaded;
  });
  addLazily(server, healthMethods, load);
  return {
    set(next) {
      state = next;
      for (const name of names) library?.setStatus(name, next);
    },
  };
}

/** The encoded FileDescriptorProtos of a FileDescriptorSet, whose only field is `repeated file = 1`. */
function filesOf(descriptorSet: Uint8Array): Buffer[] {
  const reader = new BinaryReader(descriptorSet);
  const files: Buffer[] = [];
  while (reader.pos < reader.len) {
    reader.tag();
    files.push(Buffer.from(reader.bytes()));
  }
  return files;
}

const compiledFiles = (name: string): Buffer[] =>
  filesOf(readFileSync(new URL(`../../generated/${name}.binpb`, import.meta.url)));

/** Every FileDescriptorProto that a library's service definition carries. */
function descriptorsOf(definition: ServiceDefinition): Buffer[] {
  return Object.values(definition).flatMap((method) => {
    const type = (method as unknown as { requestType?: { fileDescriptorProtos?: Buffer[] } }).requestType;
    return type?.fileDescriptorProtos ?? [];
  });
}

function reflectionPath(version: string): Readonly<Record<string, Method>> {
  const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
  return { ServerReflectionInfo: { path, requestStream: true, responseStream: true } };
}

/** Adds reflection over lnmux.Service, health and itself, in both versions that tools ask for. */
export function addReflection(server: Server): void {
  const load = once((): readonly Loaded[] => {
    const { ReflectionService } = require('@grpc/reflection') as typeof import('@grpc/reflection');
    type Package = ConstructorParameters<typeof ReflectionService>[0];
    const itself = new Collector();
    new ReflectionService({}).addToServer(itself);
    const fileDescriptorProtos = [
      ...compiledFiles('descriptors'),
      // Not what grpc-health-check has of its own: protobufjs names the entries of maps so that grpcurl refuses them.
      ...compiledFiles('health'),
      ...itself.services.flatMap((service) => descriptorsOf(service.definition)),
    ];
    const collector = new Collector();
    const all = { all: { format: 'descriptors', type: {}, fileDescriptorProtos } } as unknown as Package;
    new ReflectionService(all).addToServer(collector);
    return collector.services;
  });
  addLazily(server, reflectionPath('v1'), () => load()[0] as Loaded);
  addLazily(server, reflectionPath('v1alpha'), () => load()[1] as Loaded);
}
