/** The Bitcoin networks that lnmux knows, by the names used in its configuration. */
export type Network = 'mainnet' | 'testnet' | 'testnet4' | 'signet' | 'regtest' | 'simnet';

export interface NetworkParams {
  readonly name: Network;
  /** Start of an invoice's human-readable part (BOLT 11). */
  readonly invoicePrefix: string;
  /** Network name that lnd reports in GetInfo.chains. */
  readonly lndName: string;
}

const networks: Readonly<Record<Network, NetworkParams>> = {
  mainnet: { name: 'mainnet', invoicePrefix: 'lnbc', lndName: 'mainnet' },
  testnet: { name: 'testnet', invoicePrefix: 'lntb', lndName: 'testnet' },
  // Shares testnet's prefix: an invoice alone does not tell the two apart.
  testnet4: { name: 'testnet4', invoicePrefix: 'lntb', lndName: 'testnet4' },
  signet: { name: 'signet', invoicePrefix: 'lntbs', lndName: 'signet' },
  regtest: { name: 'regtest', invoicePrefix: 'lnbcrt', lndName: 'regtest' },
  simnet: { name: 'simnet', invoicePrefix: 'lnsb', lndName: 'simnet' },
};

export function networkParams(network: Network): NetworkParams {
  return networks[network];
}

/** The network configured under a name; `testnet3` is testnet. Undefined for any other name. */
export function networkFromName(name: string): NetworkParams | undefined {
  const canonical = name === 'testnet3' ? 'testnet' : name;
  return Object.hasOwn(networks, canonical) ? networks[canonical as Network] : undefined;
}

/** The network behind an invoice prefix such as `lnbc`; testnet for `lntb`. */
export function networkFromInvoicePrefix(prefix: string): NetworkParams | undefined {
  return Object.values(networks).find((params) => params.invoicePrefix === prefix);
}
