import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLI_COMMANDS } from '../../src/daemon/cli/cliCommands.ts';
import { parseLnmuxcliArgs } from '../../src/daemon/cli/lnmuxcliArgs.ts';
import { parseLnmuxdArgs } from '../../src/daemon/cli/lnmuxdArgs.ts';
import type { LnmuxdCommand } from '../../src/daemon/lnmuxdCommand.ts';
import { nearest } from '../../src/daemon/nearest.ts';

const words = (line: string) => (line === '' ? [] : line.split(' '));
const matching = (problem: string | RegExp): unknown =>
  typeof problem === 'string' ? problem : expect.stringMatching(problem);
const NODE = `02${'ab'.repeat(32)}`;
const base = { config: 'f', strict: true };

describe('lnmuxd', () => {
  const good: readonly (readonly [string, LnmuxdCommand])[] = [
    ['-c f run', { command: 'run', ...base }],
    ['--config f run', { command: 'run', ...base }],
    ['--config=f run', { command: 'run', ...base }],
    ['-config f run', { command: 'run', ...base }],
    ['run -c f', { command: 'run', ...base }],
    ['-c f --non-strict-config run', { command: 'run', config: 'f', strict: false }],
    ['-c f migrate init', { command: 'migrate', ...base, migrate: { action: 'init' } }],
    ['-c f migrate up', { command: 'migrate', ...base, migrate: { action: 'up', target: undefined } }],
    ['-c f migrate up 3', { command: 'migrate', ...base, migrate: { action: 'up', target: 3 } }],
    [
      `-c f migrate up --node ${NODE}`,
      { command: 'migrate', ...base, migrate: { action: 'up', target: undefined, node: NODE } },
    ],
    ['-c f migrate down', { command: 'migrate', ...base, migrate: { action: 'down' } }],
    ['-c f migrate reset', { command: 'migrate', ...base, migrate: { action: 'reset' } }],
    ['-c f migrate version', { command: 'migrate', ...base, migrate: { action: 'version' } }],
    [
      '-c f migrate set_version 2',
      { command: 'migrate', ...base, migrate: { action: 'set_version', version: 2 } },
    ],
    ['-c f config check', { command: 'config check', ...base }],
    ['simulate', { command: 'simulate', config: undefined, strict: true, args: [] }],
    [
      'simulate --nodes 3 -x',
      { command: 'simulate', config: undefined, strict: true, args: ['--nodes', '3', '-x'] },
    ],
    ['', { command: 'help', topic: undefined }],
    ['-h', { command: 'help', topic: undefined }],
    ['help', { command: 'help', topic: undefined }],
    ['help run', { command: 'help', topic: 'run' }],
    ['run --help', { command: 'help', topic: 'run' }],
    ['migrate', { command: 'help', topic: 'migrate' }],
    ['--version', { command: 'version' }],
  ];
  it.each(good)('takes "%s"', (line, command) => {
    expect(parseLnmuxdArgs(words(line))).toEqual({ ok: true, command });
  });

  it.each([
    ['rnu', 'unknown command "rnu": did you mean run?'],
    ['serve', 'unknown command "serve": known: run, migrate, simulate, auth, config, help'],
    ['run', 'which configuration? Write lnmuxd -c lnmux.yml run'],
    ['--config= run', 'which configuration? Write lnmuxd -c lnmux.yml run'],
    ['-c', '--config needs a value: write --config=VALUE'],
    ['-c --non-strict-config run', '--config needs a value: write --config=VALUE'],
    ['-c f -c g run', '--config is given twice: give it once'],
    ['--confg f run', 'unknown flag --confg: did you mean --config?'],
    ['-x run', 'unknown flag -x: see --help'],
    [
      '-c f --non-strict-config=no run',
      '--non-strict-config takes no value: write it alone, or leave it out',
    ],
    ['-c f run now', 'too many arguments after run: it takes none'],
    ['-c f migrate upp', 'unsupported command: "upp": did you mean up?'],
    ['-c f migrate create x', /^unsupported command: "create": known: init, up/],
    ['-c f migrate up x', '"x" is not a version: write a whole number, such as migrate up 5'],
    ['-c f migrate up 1 2', 'too many arguments after migrate up: it takes one number'],
    ['-c f migrate down 1', 'too many arguments after migrate down: it takes none'],
    [
      '-c f migrate up --node 02ab',
      '--node is not a public key: write 66 hex digits that start with 02 or 03',
    ],
    [`-c f migrate down --node ${NODE}`, '--node belongs to migrate up: leave it out'],
    [`-c f run --node ${NODE}`, '--node belongs to migrate up: leave it out'],
    ['-c f migrate set_version', 'which version? Write migrate set_version N'],
    ['-c f config', 'unknown command after config: known: check'],
    ['-c f config chekc', 'unknown command "chekc": did you mean check?'],
    ['help rn', 'unknown command "rn": did you mean run?'],
  ])('refuses "%s"', (line, problem) => {
    expect(parseLnmuxdArgs(words(line))).toEqual({ ok: false, problem: matching(problem) });
  });
});

describe('lnmuxcli', () => {
  const H = 'ab'.repeat(32);
  const NODE = `02${H}`;
  const NO_KEY = new Uint8Array();
  const bytes = new Uint8Array(Buffer.from(H, 'hex'));
  const requestOf = (line: string) => {
    const parsed = parseLnmuxcliArgs(words(line));
    return parsed.kind === 'request' ? parsed.request : parsed;
  };

  it.each([
    ['getinfo', { name: 'getinfo' }],
    ['nodes', { name: 'nodes' }],
    [
      'drain alice',
      { name: 'drain', node: { pubKey: NO_KEY, name: 'alice' }, refuseParts: false, wait: false },
    ],
    [
      `drain --wait ${NODE} --refuse_parts`,
      {
        name: 'drain',
        node: { pubKey: new Uint8Array(Buffer.from(NODE, 'hex')), name: '' },
        refuseParts: true,
        wait: true,
      },
    ],
    ['fees', { name: 'fees', since: 0n, until: 0n }],
    ['fees --since 12 --until 2026-02-01', { name: 'fees', since: 12n, until: 1_769_904_000n }],
    ['undrain ab', { name: 'undrain', node: { pubKey: NO_KEY, name: 'ab' } }],
    [
      'addinvoice --amt_msat 5 --expiry 10m --memo tea',
      {
        name: 'addinvoice',
        amtMsat: 5n,
        expirySecs: 600n,
        memo: 'tea',
        descriptionHash: new Uint8Array(),
        showPreimage: false,
      },
    ],
    [
      `addinvoice --amt_msat=5 --expiry=60 --description_hash=${H} --show_preimage`,
      {
        name: 'addinvoice',
        amtMsat: 5n,
        expirySecs: 60n,
        memo: '',
        descriptionHash: bytes,
        showPreimage: true,
      },
    ],
    ['subscribe', { name: 'subscribe' }],
    [`settleinvoice ${H} ${H}`, { name: 'settleinvoice', hash: bytes, setId: bytes }],
    [`cancelinvoice ${H.toUpperCase()} ${H}`, { name: 'cancelinvoice', hash: bytes, setId: bytes }],
    [`wait ${H}`, { name: 'wait', hash: bytes, fromIssue: false }],
    [`wait --from_issue ${H}`, { name: 'wait', hash: bytes, fromIssue: true }],
    ['listunresolved', { name: 'listunresolved', all: false, max: 1000 }],
    ['listunresolved --all --max 5', { name: 'listunresolved', all: true, max: 5 }],
    [
      `finalizepart 02${H} 18446744073709551615 7 failed --even_if_configured`,
      {
        name: 'finalizepart',
        node: new Uint8Array(Buffer.from(`02${H}`, 'hex')),
        chanId: 2n ** 64n - 1n,
        htlcId: 7n,
        settled: false,
        evenIfConfigured: true,
      },
    ],
    ['events', { name: 'events', after: 0n, onlyNew: false }],
    ['events --after 7', { name: 'events', after: 7n, onlyNew: false }],
    ['events --only_new', { name: 'events', after: 0n, onlyNew: true }],
    ['completion fish', { name: 'completion', shell: 'fish' }],
    [`lookupinvoice ${H}`, { name: 'lookupinvoice', hash: bytes }],
    [`watchinvoice ${H}`, { name: 'watchinvoice', hash: bytes }],
    ['listinvoices', { name: 'listinvoices', max: 100n, start: 0n, showPreimage: false }],
    ['listinvoices --max 3 --start 7', { name: 'listinvoices', max: 3n, start: 7n, showPreimage: false }],
    ['decode lnbc1', { name: 'decode', invoice: 'lnbc1' }],
  ])('takes "%s"', (line, request) => {
    expect(requestOf(line)).toEqual(request);
  });

  it('takes global flags anywhere', () => {
    for (const line of [
      '--rpcserver h:1 --tlscertpath f getinfo',
      'getinfo --tlscertpath=f --rpcserver=h:1',
    ]) {
      expect(parseLnmuxcliArgs(words(line))).toMatchObject({
        kind: 'request',
        connection: { server: 'h:1', tlsCert: 'f' },
      });
    }
    expect(parseLnmuxcliArgs(['getinfo'])).toMatchObject({
      connection: { server: 'localhost:19090', tls: false, tlsCert: undefined, token: undefined },
    });
  });

  it.each([
    ['getinof', 'unknown command "getinof": did you mean getinfo?'],
    ['addinvoice', /^addinvoice needs --amt_msat, for example: lnmuxcli addinvoice --amt_msat/],
    ['addinvoice --amt_msat -5', /^unknown flag -5|--amt_msat/],
    ['addinvoice --amt_msat 1.5', '--amt_msat must be a whole number, 1 or more'],
    ['addinvoice --amt_msat 0', '--amt_msat must be a whole number, 1 or more'],
    ['addinvoice --amt_msat 9223372036854775808', '--amt_msat must be a whole number, 1 or more'],
    ['addinvoice --amt-msat 5', 'unknown flag --amt-msat: did you mean --amt_msat?'],
    ['addinvoice --amt_msat 5 --expiry soon', /^--expiry must be seconds, or a duration/],
    [
      'addinvoice --amt_msat 5 --description_hash ab',
      '--description_hash must be 64 hex digits, and this has 2 char',
    ],
    ['drain', /^drain needs NODE, for example: lnmuxcli drain alice --wait$/],
    ['drain a b', /^too many arguments after drain: it takes NODE/],
    ['fees --since today', /^--since must be unix seconds, a date such as 2026-01-31, or how long ago/],
    ['fees --until 999999h', /^--until must be/],
    ['getinfo now', /^too many arguments after getinfo: it takes none/],
    [`settleinvoice ${H}`, /^settleinvoice needs HASH and SETID, for example/],
    [`settleinvoice ${H} zz`, 'SETID must be 64 hex digits, and this has 2 characters'],
    ['--rpcserver nowhere getinfo', /^--rpcserver must be host:port/],
    ['getinfo --amt_msat 5', /^unknown flag --amt_msat: see --help/],
  ])('refuses "%s"', (line, problem) => {
    expect(parseLnmuxcliArgs(words(line))).toEqual({
      kind: 'problem',
      problem: expect.stringMatching(problem),
    });
  });

  it('explains each command', () => {
    for (const name of Object.keys(CLI_COMMANDS)) {
      expect(parseLnmuxcliArgs([name, '--help'])).toEqual({ kind: 'help', topic: name });
      expect(parseLnmuxcliArgs(['help', name])).toEqual({ kind: 'help', topic: name });
    }
  });
});

describe('any arguments', () => {
  const known = [
    'run',
    'migrate',
    'up',
    '-c',
    '--config',
    '--config=',
    '-',
    '--',
    '-h',
    'addinvoice',
    '--memo',
    'wait',
  ];
  const anyArgs = fc.array(fc.oneof(fc.constantFrom(...known), fc.string()), { maxLength: 6 });
  it('are parsed or refused in one line, never thrown at', () => {
    fc.assert(
      fc.property(anyArgs, (args) => {
        const daemon = parseLnmuxdArgs(args);
        if (!daemon.ok) expect(daemon.problem).not.toBe('');
        const client = parseLnmuxcliArgs(args);
        if (client.kind === 'problem') expect(client.problem).not.toBe('');
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the nearest name', () => {
  it.each([
    ['Listen_Address', ['listenAddress', 'x'], 'listenAddress'],
    ['getifno', ['getinfo', 'wait'], 'getinfo'],
    ['migr', ['migrate'], 'migrate'],
    ['zebra', ['run', 'migrate'], undefined],
    ['', ['run'], undefined],
  ])('to %s', (word, candidates, expected) => {
    expect(nearest(word, candidates)).toBe(expected);
  });

  it('is the name itself when it is there', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 });
    fc.assert(
      fc.property(
        names,
        (all) => void expect(nearest(all[0] as string, all)?.startsWith(all[0] as string)).toBe(true),
      ),
    );
  });
});
