import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ChildNode, startChildNode } from '../../src/simulator/childNode.ts';
import { clusterConfig } from '../../src/simulator/main.ts';
import { parseSimulateOptions } from '../../src/simulator/options.ts';
import { Payer } from '../../src/simulator/payer/payer.ts';
import { controlOf, FakeMux, invoiceFor, PREIMAGE_HEX, temporaryDirectory, until } from './serverFixture.ts';

const MAIN = join(import.meta.dirname, '../../src/simulator/main.ts');

async function startChild(...args: string[]): Promise<ChildNode> {
  const child = await startChildNode(args);
  onTestFinished(() => child.stop('SIGKILL'));
  return child;
}

describe('a node process', () => {
  it('killed and started again is the same node, offers what was held, and the payer gets its outcome', async () => {
    const args = ['--name', 'alice', '--dir', temporaryDirectory(), '--height', '500'];
    const first = await startChild(...args);
    const control = controlOf(first.info);
    const mux = new FakeMux();
    await mux.connect(first.info);
    // One part of two: it stays held.
    const invoice = invoiceFor([first.info], 600_000n);
    const payer = new Payer({ nodes: [control] });
    const half = { parts: [{ amountMsat: 300_000n }], totalMsat: 600_000n };
    const paying = payer.pay(invoice, half);
    await until(() => mux.received.length === 1);
    await control.mine(3);
    await first.stop('SIGKILL');

    const second = await startChild(...args);
    expect(second.info).toEqual({ ...first.info, height: 503 });
    const after = new FakeMux();
    await after.connect(second.info);
    await until(() => after.received.length === 1);
    expect(after.received[0]?.incomingCircuitKey).toEqual(mux.received[0]?.incomingCircuitKey);
    const other = payer.pay(invoice, half);
    expect(await paying).toMatchObject({ status: 'settled', paidMsat: 300_000n, preimage: PREIMAGE_HEX });
    expect((await other).status).toBe('settled');

    await second.stop();
    expect(second.process.exitCode).toBe(0);
  });

  it('ends when its parent does', async () => {
    const child = await startChild('--name', 'bob', '--dir', temporaryDirectory());
    child.process.stdin?.end();
    await until(() => child.process.exitCode !== null);
    expect(child.process.exitCode).toBe(0);
  });

  it('gives an exit code of 2 and the usage for bad arguments', async () => {
    const run = promisify(execFile)(process.execPath, [MAIN, '--epoch', 'Z']);
    await expect(run).rejects.toMatchObject({ code: 2, stderr: /--epoch must be L, M or N\n\nUsage/ });
  });
});

describe('options', () => {
  it.each([
    ['--seed=x'],
    ['--port=70000'],
    ['--network=nowhere'],
    ['--epoch=K'],
    ['--series=0.19'],
    ['--private-key=zz'],
    ['--what'],
    ['extra'],
  ])('%s is refused', (argument) => {
    expect(() => parseSimulateOptions([argument])).toThrow();
  });

  it('prints the nodes as lnmux.yml has them', () => {
    const node = {
      ...{ name: 'alice', pubkey: '02ab', lndUrl: '127.0.0.1:1', controlUrl: '127.0.0.1:2', height: 1 },
      ...{ tlsCertPath: '/a b/tls.cert', macaroonPath: '/a b/lnd.macaroon' },
    };
    expect(clusterConfig('regtest', [node])).toContain(
      [
        'lnd:',
        '  network: regtest',
        '  nodes:',
        '    # alice, control API at 127.0.0.1:2',
        '    - name: "alice"',
        '      pubKey: 02ab',
        '      lndUrl: 127.0.0.1:1',
        '      tlsCertPath: "/a b/tls.cert"',
        '      macaroonPath: "/a b/lnd.macaroon"',
      ].join('\n'),
    );
  });
});
