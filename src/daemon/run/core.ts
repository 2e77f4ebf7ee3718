import { randomFillSync } from 'node:crypto';
import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import { createActorSystem } from '../../actors/actorSystem.ts';
import { createApplication } from '../../actors/application/applicationService.ts';
import { createNodeLink } from '../../actors/nodeLink/nodeLink.ts';
import { NodeAdministration } from '../../actors/nodes/administration.ts';
import { RouteHints } from '../../actors/nodes/routeHints.ts';
import type { AcceptedPolicies } from '../../actors/supervisor/admission.ts';
import { PACES } from '../../actors/supervisor/options.ts';
import { Supervisor } from '../../actors/supervisor/supervisor.ts';
import { createOnionPeeler } from '../../adapters/crypto/onionPeeler.ts';
import { createGrpcLndClient } from '../../adapters/lnd/grpcLndClient.ts';
import { nodeIdFromBytes } from '../../domain/hash.ts';
import { publicKeyOf } from '../../lightning/crypto.ts';
import { networkParams } from '../../lightning/networks.ts';
import { PreimageDeriver } from '../../lightning/paymentAddr.ts';
import type { LifecycleRules } from '../../machines/rules.ts';
import type { LnmuxConfig } from '../config/load.ts';
import type { RoutingPolicyConfig } from '../config/types.ts';
import { Core, Database, Instruments, Lead, Links, Peeler, Settings } from './services.ts';
import { starting } from './startupError.ts';
import { systemClock } from './systemClock.ts';

const COMMIT_RETRY_MS = 1_000;
const CALL_TIMEOUT_MS = 30_000;
const MAX_JOURNAL_LINES = 100_000;

export const peelerLayer = Layer.effect(
  Peeler,
  Effect.gen(function* () {
    const { config, log } = yield* Settings;
    return yield* Effect.acquireRelease(
      Effect.sync(() =>
        createOnionPeeler({
          identityKey: config.identityKey.reveal(),
          workers: 1,
          onWorkerError: (error) => log.error({ error: String(error) }, 'Onion worker died'),
        }),
      ),
      (peeler) => Effect.promise(() => peeler.close()),
    );
  }),
);

const rulesOf = ({ acceptance, limits }: LnmuxConfig): LifecycleRules => ({
  exactAmount: acceptance.exactAmount,
  cltvRejectDelta: acceptance.cltvRejectDelta,
  deadlineMargin: acceptance.deadlineMargin,
  maxCltvDelta: acceptance.maxCltvDelta,
  maxPartsPerSet: limits.maxPartsPerSet,
  holdMs: acceptance.holdTimeoutMs,
  acceptMs: acceptance.acceptTimeoutMs,
  commitRetryMs: COMMIT_RETRY_MS,
});

/** Sixteen bytes out of a pool that is refilled now and then: a system call per invoice would cost more than it. */
function randomPool(): () => Uint8Array {
  const pool = new Uint8Array(16 * 256);
  let at = pool.length;
  return () => {
    if (at === pool.length) {
      randomFillSync(pool);
      at = 0;
    }
    at += 16;
    return pool.subarray(at - 16, at);
  };
}

function policiesOf({ previous, ...present }: RoutingPolicyConfig): Required<AcceptedPolicies> {
  const policyOf = ({ feeBaseMsat, feeRatePpm, cltvDelta }: typeof present) => ({
    feeBaseMsat: Number(feeBaseMsat),
    feeRatePpm: Number(feeRatePpm),
    cltvDelta,
  });
  return {
    policy: policyOf(present),
    previousPolicies: previous.map((each) => ({ ...policyOf(each), until: each.until })),
  };
}

export const coreLayer = Layer.effect(
  Core,
  Effect.gen(function* () {
    const { config, log, abandon } = yield* Settings;
    const { subjects, observer } = yield* Instruments;
    const store = yield* Database;
    const { epoch } = yield* Lead;
    const peeler = yield* Peeler;
    const identityKey = config.identityKey.reveal();
    const deriver = new PreimageDeriver(identityKey);
    const { policy, previousPolicies } = policiesOf(config.routingPolicy);
    const system = createActorSystem(systemClock);
    const { autoSettle } = config;
    const onFenced = () => abandon('Leader status lost, exiting: another lnmuxd has taken over');
    const nodes = config.lnd.nodes.map(({ pubKey, name, priority }) => ({ nodeId: pubKey, name, priority }));
    const { rule, max: maxHints } = config.routeHints;
    const hints = new RouteHints({ nodes, policy, rule, maxHints, log });
    const administration: NodeAdministration = new NodeAdministration({
      nodes,
      hints,
      store,
      epoch,
      clock: systemClock,
      log,
      held: (nodeId) => supervisor.heldOn(nodeId),
      onFenced,
    });
    const supervisor = new Supervisor({
      system,
      store,
      epoch,
      peeler,
      deriver,
      clock: systemClock,
      log,
      rules: rulesOf(config),
      policy,
      previousPolicies,
      limits: { ...config.limits, maxJournalLines: MAX_JOURNAL_LINES },
      autoSettle,
      subscriberGraceMs: config.acceptance.subscriberGraceMs,
      paces: PACES,
      callTimeoutMs: CALL_TIMEOUT_MS,
      measures: subjects.measures,
      observer,
      onFenced,
      refusesParts: (nodeId) => administration.refusesParts(nodeId),
    });
    subjects.supervisor = supervisor;
    const nodeId = nodeIdFromBytes(publicKeyOf(identityKey))!;
    log.info({ key: nodeId, network: config.lnd.network }, 'Mux starting');
    log.info({ ...policy, previous: previousPolicies.length }, 'Routing policy');
    log.info({}, 'InvoiceRegistry starting');
    yield* starting(() => Promise.all([supervisor.recover(), administration.recover()]));
    supervisor.unresolvedHtlcs.warnOfNodesOtherThan(new Set(config.lnd.nodes.map((node) => node.pubKey)));
    yield* Effect.addFinalizer(() => {
      log.info({}, 'InvoiceRegistry shutting down');
      return Effect.promise(() => supervisor.stop());
    });
    const application = createApplication({
      supervisor,
      store,
      clock: systemClock,
      deriver,
      identityKey,
      nodeId,
      network: config.lnd.network,
      nodes: config.lnd.nodes.map((node) => node.pubKey),
      hints,
      nodeNames: new Map(config.lnd.nodes.map((node) => [node.pubKey, node.name])),
      autoSettle,
      random16: randomPool(),
    });
    return { supervisor, application, system, hints, administration };
  }),
);

export const linksLayer = Layer.effect(
  Links,
  Effect.gen(function* () {
    const { config, log } = yield* Settings;
    const { subjects, readiness, clientCalls } = yield* Instruments;
    const { supervisor, system, hints, administration } = yield* Core;
    const links = config.lnd.nodes.map((node) =>
      createNodeLink({
        config: {
          nodeId: node.pubKey,
          network: networkParams(config.lnd.network).lndName,
          minLndVersion: config.lnd.minVersion,
        },
        client: createGrpcLndClient({
          address: node.lndUrl,
          tlsCertPath: node.tlsCertPath,
          macaroonPath: node.macaroonPath,
          calls: clientCalls,
        }),
        listener: supervisor,
        readinessChanged: (ready) => hints.setReady(node.pubKey, ready),
        clock: systemClock,
        log: log.child({ lnd: node.name }),
        random: Math.random,
        system: { parent: system.root },
      }),
    );
    yield* Effect.addFinalizer(() => Effect.promise(() => Promise.all(links.map((link) => link.stop()))));
    subjects.links = links.map((link, i) => ({ name: config.lnd.nodes[i]!.name, link }));
    readiness.watchNodes(() =>
      subjects.links.map(({ name, link }) => {
        const { state, ready } = link.status();
        return { name, state, ready };
      }),
    );
    for (const link of links) {
      administration.attach(link);
      link.start();
    }
    return links;
  }),
);
