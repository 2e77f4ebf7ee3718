/**
 * Node warns of TLS to an IP address (DEP0123), which is what most lnd configurations have and which works; on an
 * operator's terminal that is noise.
 */
export function withoutAddressWarnings(): void {
  const shown = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if ((warning as { code?: string }).code === 'DEP0123') return;
    for (const show of shown) show.call(process, warning);
  });
}
