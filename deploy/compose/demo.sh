#!/usr/bin/env bash
# Starts a regtest cluster, opens channels, and pays an invoice of lnmux. Again and again, if you like.
#   ./demo.sh         start what is not there yet, and pay
#   ./demo.sh down    stop everything and forget it
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly AMOUNT_MSAT=${AMOUNT_MSAT:-150000000} # more than one channel can carry: it has to be split
readonly CHANNEL_SAT=100000
readonly LNMUX_URIS=(
  uri:/lnrpc.Lightning/GetInfo
  uri:/verrpc.Versioner/GetVersion
  uri:/routerrpc.Router/HtlcInterceptor
  uri:/routerrpc.Router/SubscribeHtlcEvents
  uri:/lnrpc.Lightning/LookupHtlcResolution
  uri:/chainrpc.ChainNotifier/RegisterBlockEpochNtfn
)

say() { printf '\n== %s\n' "$*"; }
inside() { docker compose exec -T "$@"; }
bitcoin() { inside bitcoind bitcoin-cli -regtest -rpcuser=regtest -rpcpassword=regtest "$@"; }
ln() { inside "$1" lncli --network=regtest "${@:2}"; }
lnmuxcli() { inside lnmux lnmuxcli "$@"; }

# The value of a key in JSON on stdin; enough for what lncli and lnmuxcli print.
field() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}.*/\1/p" | head -n 1; }

# Waits until a command succeeds: eventually WHAT COMMAND…
eventually() {
  local what=$1 deadline=$((SECONDS + 120))
  shift
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS > deadline)); then
      echo "gave up waiting for: $what" >&2
      exit 1
    fi
    sleep 1
  done
}

mine() { bitcoin -rpcwallet=miner -generate "$1" >/dev/null; }
pubkey() { ln "$1" getinfo | field identity_pubkey; }
is_synced() { [ "$(ln "$1" getinfo | field synced_to_chain)" = true ]; }
has_active_channels() { [ "$(ln "$1" getinfo | field num_active_channels)" = "$2" ]; }
has_coins() { [ "$(ln "$1" walletbalance | field confirmed_balance)" -gt 0 ]; }
is_ready() { lnmuxcli getinfo; }

start_chain() {
  say 'bitcoind, alice, bob and carol'
  docker compose up --detach --wait bitcoind alice bob carol postgres
  bitcoin createwallet miner >/dev/null 2>&1 || bitcoin loadwallet miner >/dev/null 2>&1 || true
  if [ "$(bitcoin getblockcount)" -lt 101 ]; then mine 101; else mine 1; fi
  for node in alice bob carol; do eventually "$node to follow the chain" is_synced "$node"; done
}

# A channel from carol to $1, unless there is one.
open_channel() {
  local key
  key=$(pubkey "$1")
  if ln carol listchannels --peer "$key" | grep -q '"chan_id"'; then return; fi
  ln carol connect "$key@$1:9735" >/dev/null 2>&1 || true
  ln carol openchannel --node_key "$key" --local_amt "$CHANNEL_SAT" >/dev/null
  mine 6
}

open_channels() {
  say 'channels from carol, who pays, to alice and bob'
  if ! has_coins carol; then
    bitcoin -rpcwallet=miner sendtoaddress "$(ln carol newaddress p2wkh | field address)" 1 >/dev/null
    mine 6
    eventually "carol's coins" has_coins carol
  fi
  open_channel alice
  eventually 'the channel to alice' has_active_channels alice 1
  open_channel bob
  eventually 'the channel to bob' has_active_channels bob 1
}

# What lnmux may do on a node, and nothing else; and the node's certificate.
bake() {
  mkdir -p "run/$1"
  ln "$1" bakemacaroon --save_to=/tmp/lnmux.macaroon "${LNMUX_URIS[@]}" >/dev/null
  inside "$1" cat /tmp/lnmux.macaroon >"run/$1/lnmux.macaroon"
  inside "$1" cat /root/.lnd/tls.cert >"run/$1/tls.cert"
}

write_node() {
  cat <<NODE
    - name: $1
      pubKey: $(pubkey "$1")
      lndUrl: $1:10009
      tlsCertPath: /app/$1/tls.cert
      macaroonPath: /app/$1/lnmux.macaroon
NODE
}

write_config() {
  say 'macaroons, and run/lnmux.yml'
  bake alice
  bake bob
  {
    echo 'lnd:'
    echo '  network: regtest'
    echo '  nodes:'
    write_node alice
    write_node bob
    # For regtest only. A real one: openssl rand -hex 32
    echo 'identityKey: 81b637d8fcd2c6da6859e6963113a1170de793e4b725b84d1e0b4cf99ec58ce9'
    echo 'db:'
    echo '  dsn: postgres://lnmux:regtest@postgres:5432/lnmux?sslmode=disable'
    echo 'instrumentationAddress: 0.0.0.0:2112'
    # A shop would subscribe and decide; here everything that is paid is taken.
    echo 'autoSettle: true'
  } >run/lnmux.yml
  # Read by another user inside the container.
  chmod -R a+rX run
}

pay() {
  say "an invoice of lnmux for $AMOUNT_MSAT msat"
  local answer invoice hash
  answer=$(lnmuxcli addinvoice --amt_msat "$AMOUNT_MSAT" --memo demo)
  invoice=$(field payment_request <<<"$answer")
  hash=$(field hash <<<"$answer")
  echo "$invoice"
  say 'carol pays it, in parts through alice and bob'
  ln carol payinvoice --force --timeout 60s --max_parts 4 "$invoice"
  say 'what lnmux says of it'
  lnmuxcli wait "$hash"
}

main() {
  if [ "${1:-}" = down ]; then
    docker compose down --volumes --remove-orphans
    rm -rf run
    return
  fi
  mkdir -p run
  start_chain
  open_channels
  write_config
  say 'lnmux'
  docker compose build lnmux
  docker compose run --rm -T migrate
  docker compose up --detach --wait lnmux
  eventually 'lnmux to take calls' is_ready
  pay
  say 'all of it goes on running; stop it with: ./demo.sh down'
}

main "$@"
