const GENERAL = `lnmuxd: a virtual Lightning node in front of a cluster of lnd nodes

usage: lnmuxd [-c FILE] [--non-strict-config] COMMAND

commands:
  run           takes payments, until SIGINT or SIGTERM
  migrate       creates or changes the database's tables
  config check  explains the configuration and what is wrong with it, and starts nothing
  auth          makes certificates and tokens for callers of the API
  simulate      lnd nodes, chain and payers without any real ones
  help COMMAND  more about one of them

flags:
  -c, --config FILE      the configuration (see lnmux.yml.example)
  --non-strict-config    unknown keys in it are warnings
  -v, --version
  -h, --help

example: lnmuxd -c lnmux.yml run
exit status: 0 well, 1 failed, 2 wrong arguments
`;

const TOPICS: Readonly<Record<string, string>> = {
  run: `usage: lnmuxd -c FILE run

Connects to the lnd nodes, takes payments and serves the API, until SIGINT or SIGTERM.

example: lnmuxd -c lnmux.yml run
`,
  migrate: `usage: lnmuxd -c FILE migrate ACTION

actions:
  init           creates the table that remembers the version
  up [N]         goes up to version N, or to the newest; takes over a database of the Go program
  down           goes one version back, if nothing is open that the older version can't express
  reset          goes back to an empty database: everything in it is lost
  version        tells the version
  set_version N  notes the version without changing anything else

flag of up:
  --node PUBKEY  the lnd node of a database of version 1, which knew only one

example: lnmuxd -c lnmux.yml migrate up
`,
  config: `usage: lnmuxd -c FILE config check

Explains the configuration on stdout: every key with its value and, in the margin, the line that sets it, "env" if it
comes from the environment, or "default"; and below a key what is wrong with it. Problems are repeated on stderr, and
end with exit status 1. Secrets are hidden. Starts and connects nothing.

example: lnmuxd -c lnmux.yml config check
`,
  auth: `usage: lnmuxd auth ACTION [--dir DIR]

Makes what the API needs to know its callers. Files are in DIR (default auth).

actions:
  ca      [--name TEXT] [--days N]                 an authority of your own, once
  server  --host HOST,… [--days N] [--force]       certificate of lnmuxd; HOST as callers know it
  client  --name NAME --role ROLE,… [--days N]     certificate of a caller
  token   --name NAME --role ROLE,…                token of a caller, on stdout; DIR/access keeps its hash
  revoke  --name NAME                              takes a token or certificate back
  list                                             who there is

roles:
  read      sees invoices and nodes, waits for payments
  invoices  read, and makes invoices
  settle    read, and takes payments or gives them back
  admin     everything: also sees preimages, and takes nodes out of service

example: lnmuxd auth token --name shop --role invoices,settle
More: docs/secure.md
`,
  simulate: `usage: lnmuxd simulate [FLAGS]

Runs simulated lnd nodes that speak lnd's real API, with a chain and payers, to develop against.

example: lnmuxd simulate
`,
};

/** The help text of a command, or of lnmuxd as a whole. */
export function lnmuxdHelp(topic: string | undefined): string {
  return (topic === undefined ? undefined : TOPICS[topic]) ?? GENERAL;
}
