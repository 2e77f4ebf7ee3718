import type { Fields } from './chart.ts';

const KEY_A = '020723c6f2203f1072336bd0e71bf4d11e367ab0b3010ce60c080abef0d4770db8';
const KEY_B = '026ff75cb2ff49b864833aa3c93970069070231a9ad64819252e190406dd0a6976';

/** What an operator has to say at least. */
export const MINIMAL: Fields = {
  network: 'regtest',
  nodes: [{ name: 'a', pubKey: KEY_A, lndUrl: 'lnd-a.bitcoin.svc:10009', secret: 'lnd-a' }],
  api: { tlsSecret: 'lnmux-api', accessSecret: 'lnmux-access' },
};

/** Everything there is to say, different from the defaults. */
export const EVERYTHING: Fields = {
  image: { repository: 'registry.example.org/lnmux', tag: 'v9', pullPolicy: 'Always' },
  imagePullSecrets: [{ name: 'registry' }],
  replicas: 3,
  network: 'testnet',
  nodes: [
    { name: 'a', pubKey: KEY_A, lndUrl: 'lnd-a:10009', secret: 'lnd-a', priority: 2 },
    { name: 'b', pubKey: KEY_B, lndUrl: 'lnd-b:10009', secret: 'lnd-b' },
  ],
  identityKey: { existingSecret: 'identity', key: 'hex' },
  database: { existingSecret: 'postgres', key: 'url' },
  api: { port: 9190, tlsSecret: 'api', clientCaSecret: 'clients', accessSecret: 'access' },
  distributedLock: { name: 'who-works' },
  webhooksSecret: 'webhooks',
  config: { autoSettle: true, routingPolicy: { feeRatePpm: 100 }, logging: { level: 'info' } },
  migration: { backoffLimit: 0, activeDeadlineSeconds: 60 },
  metrics: { port: 9100, serviceMonitor: { enabled: true, interval: '30s', labels: { release: 'prom' } } },
  health: { port: 9101 },
  handoverSeconds: 5,
  terminationGracePeriodSeconds: 40,
  podDisruptionBudget: { maxUnavailable: '50%' },
  networkPolicy: {
    enabled: true,
    apiFrom: [{ podSelector: { matchLabels: { app: 'shop' } } }],
    metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
  },
  serviceAccount: { name: 'lnmux-account', annotations: { team: 'payments' } },
  service: { type: 'LoadBalancer', annotations: { 'cloud/internal': 'true' } },
  resources: { requests: { cpu: '1', memory: '2Gi' }, limits: { memory: '2Gi' } },
  podAnnotations: { note: 'yes' },
  podLabels: { tier: 'money' },
  nodeSelector: { disk: 'ssd' },
  tolerations: [{ key: 'money', operator: 'Exists', effect: 'NoSchedule' }],
  affinity: { nodeAffinity: {} },
  priorityClassName: 'important',
  extraEnv: [{ name: 'NODE_OPTIONS', value: '--max-old-space-size=900' }],
};

/** Everything that can be switched off. */
export const LITTLE: Fields = {
  ...MINIMAL,
  api: { allowPlaintext: true },
  replicas: 1,
  distributedLock: { enabled: false },
  migration: { enabled: false },
  podDisruptionBudget: { enabled: false },
  serviceAccount: { create: false },
  networkPolicy: { enabled: true },
};

export const CASES = { MINIMAL, EVERYTHING, LITTLE };
