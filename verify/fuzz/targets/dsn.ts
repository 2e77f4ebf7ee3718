import { clientConfig, DsnError, parseDsn } from '../../../src/adapters/postgres/dsn.ts';
import { type LiveTarget, must, type Target } from '../engine/target.ts';
import { textMutator } from '../engine/text.ts';

const PASSWORD = 'correcthorsebattery';

function run(input: Uint8Array): string {
  try {
    const target = parseDsn(Buffer.from(input).toString('utf8'));
    must(target.database !== '' && target.user !== '' && target.host !== '', 'nothing is empty');
    must(Number.isInteger(target.port) && target.port >= 0 && target.port <= 65_535, 'a port is a port');
    must(target.connectTimeoutMs > 0 && target.connectTimeoutMs <= 86_400_000, 'a wait ends');
    const { ssl } = clientConfig(target, 'fuzz');
    must((ssl === false) === (target.tls === false), 'TLS is what the DSN says');
    const verify = target.tls !== false && target.tls.verify !== 'nothing';
    must(typeof ssl !== 'object' || ssl.rejectUnauthorized === verify, 'verification is what the DSN says');
    return `decoded: ${target.tls === false ? 'plain' : target.tls.verify}`;
  } catch (error) {
    if (!(error instanceof DsnError)) throw error;
    must(!error.message.includes(PASSWORD), 'no problem repeats the password');
    return `refused: ${error.message}`;
  }
}

const SEEDS = [
  `postgres://user:${PASSWORD}@db.example:5433/lnmux?sslmode=verify-full&application_name=a&connect_timeout=3`,
  `postgresql://user:${PASSWORD}@[::1]:5432/lnmux?sslmode=disable`,
  'postgres:///lnmux?host=/tmp/socket',
  'postgres://localhost/lnmux',
  `postgres://u:${PASSWORD}%40@h/d?sslmode=require`,
];

const WORDS = [
  ...[
    'postgres',
    'postgresql',
    'http',
    ':',
    '/',
    '//',
    '@',
    '?',
    '&',
    '=',
    '#',
    '%',
    '%00',
    '%2f',
    '%zz',
    '+',
    ' ',
  ],
  ...[
    'sslmode',
    'disable',
    'allow',
    'prefer',
    'require',
    'verify-ca',
    'verify-full',
    'connect_timeout',
    '86401',
  ],
  ...[
    'application_name',
    'host',
    '/var/run',
    '..',
    '0',
    '65536',
    '[::1]',
    '[',
    'é',
    '\u0000',
    PASSWORD,
    'toString',
  ],
];

export const dsn: Target = {
  name: 'dsn',
  promise: 'parseDsn: refuses with DsnError and without the password, or gives values in range',
  maxBytes: 400,
  maxMs: 20,
  open: (): LiveTarget => ({
    seeds: SEEDS.map((text) => Buffer.from(text)),
    run,
    mutate: textMutator(WORDS),
    show: (input) => Buffer.from(input).toString('utf8'),
  }),
};
