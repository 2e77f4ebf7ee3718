import { parseArgs } from 'node:util';
import { NodeControl } from '../control/nodeControl.ts';
import { Payer } from './payer.ts';

/** `simulate pay INVOICE --control HOST:PORT …`: pays, prints the result as JSON. Exit code 0 only when settled. */
export async function runPay(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      control: { type: 'string', multiple: true, default: [] },
      splits: { type: 'string', default: '1' },
      retries: { type: 'string', default: '3' },
      timeout: { type: 'string', default: '60' },
    },
  });
  const [invoice] = positionals;
  if (!invoice || values.control.length === 0) {
    process.stderr.write('an invoice and at least one --control are needed\n');
    return 2;
  }
  const nodes = values.control.map((url) => new NodeControl(url));
  try {
    const result = await new Payer({ nodes }).pay(invoice, {
      splits: Number(values.splits),
      maxRetries: Number(values.retries),
      timeoutMs: Number(values.timeout) * 1_000,
    });
    process.stdout.write(`${JSON.stringify(result, printable, 2)}\n`);
    return result.status === 'settled' ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  } finally {
    for (const node of nodes) node.close();
  }
}

function printable(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}
