import { randomBytes, hash } from 'node:crypto';
import { Workspace } from '../bench/system/workspace.ts';
import { startDatabaseServer, withClient } from '../bench/system/database.ts';
import { openPostgresStore } from '../src/adapters/postgres/decisionStore.ts';
import { silentLog } from '../bench/system/silentLog.ts';
import { cpuOfTree } from '../bench/system/processStats.ts';
import { parseDsn } from '../src/adapters/postgres/dsn.ts';
import { setIdOf } from '../src/domain/setId.ts';
const ws = new Workspace();
const server = await startDatabaseServer(ws);
const variants: [string, string[]][] = [['as is', []], ['no events_hash', ['DROP INDEX lnmux.events_hash']], ['no events_hash, no preimage uniq', ['DROP INDEX lnmux.events_hash','ALTER TABLE lnmux.invoices DROP CONSTRAINT invoices_preimage_key']]];
const sys = process.argv[2] ? process.argv[2].split(';') : [];
let n = 0;
for (const [name, sql] of variants) {
  const db = await server.create('v' + n++);
  await withClient(db.target, async (c) => { for (const s of sql) await c.query(s); for (const s of sys) await c.query(s); });
  if (sys.length) await withClient(db.target, async (c)=>{await c.query('select pg_reload_conf()')});
  const store = await openPostgresStore({ target: parseDsn(db.dsn), log: silentLog });
  const lead = await store.acquire('x', 600000); const epoch = (lead as any).epoch;
  const node = '02' + 'ab'.repeat(32);
  let htlc = 0n;
  const B = Number(process.argv[3] ?? 64), ROUNDS = Math.ceil(40000 / B);
  const cost = { decide: 0, finalise: 0, journal: 0 }, wall = { decide: 0, finalise: 0, journal: 0 };
  for (let r = 0; r < ROUNDS; r++) {
    const ds: any[] = [], fs: any[] = [], js: any[] = [];
    for (let i = 0; i < B; i++) {
      const preimage = randomBytes(32); const paymentHash = hash('sha256', preimage, 'hex');
      const key = { nodeId: node, chanId: 700000n << 40n, htlcId: htlc++ } as any; const setId = setIdOf([key]);
      ds.push({ kind: 'requestAndRelease', paymentHash, setId, at: Date.now(), preimage, amountMsat: 1000000n, members: [{ key, amountMsat: 1000000n, autoFailHeight: 300, cltvExpiry: 320 }], line: { machine: 'htlcSet', from: 'complete', event: 'settle.requested', to: 'releasing', details: { parts: 1, amountMsat: '1000000' } } });
      fs.push({ key, paymentHash, settled: true, offChain: true, at: Date.now() });
      js.push({ machine: 'htlcSet', from: 'collecting', event: 'part.added', to: 'complete', paymentHash, setId, at: Date.now(), details: { node, chanId: String(key.chanId), htlcId: String(key.htlcId), amountMsat: '1000000', autoFailHeight: 300 } });
    }
    const step = async (k: keyof typeof cost, run: () => Promise<unknown>) => { const c = cpuOfTree(server.pid), t = performance.now(); const o: any = await run(); if (o.kind !== 'acknowledged') throw new Error(JSON.stringify(o)); wall[k] += performance.now() - t; cost[k] += cpuOfTree(server.pid) - c; };
    await step('journal', () => store.journal(epoch, js, 300));
    await step('decide', () => store.decide(epoch, ds));
    await step('finalise', () => store.finalise(epoch, fs));
  }
  const total = ROUNDS * B;
  console.log(name, 'batch', B, Object.entries(cost).map(([k, v]) => `${k} cpu ${(v / total).toFixed(1)} µs wall ${(1000 * wall[k as 'decide'] / total).toFixed(1)} µs`).join('; '));
  await store.close(); await db.drop();
}
await ws.close(); process.exit(0);
