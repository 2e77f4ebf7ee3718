/** What lncli prints, in its shape: indented by four, bytes in hex, 64-bit numbers as strings, nothing left out. */

export const ALICE = `02${'a1'.repeat(32)}`;
export const BOB = `03${'b0'.repeat(32)}`;
export const FUNDING = 'd0e9cb9c8fdd906cce3c0d1560df6aa426f28d9b9f7c7029dcd8d1d1bda26fe7';
export const PREIMAGE = '5c'.repeat(32);
const HASH = 'ab'.repeat(32);

export const GET_INFO = `{
    "version": "0.20.3-beta commit=v0.20.3-beta",
    "commit_hash": "8b9d5a8f3b1f",
    "identity_pubkey": "${ALICE}",
    "alias": "alice",
    "color": "#3399ff",
    "num_pending_channels": 0,
    "num_active_channels": 1,
    "num_inactive_channels": 0,
    "num_peers": 1,
    "block_height": 118,
    "block_hash": "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
    "best_header_timestamp": "1771459200",
    "synced_to_chain": true,
    "synced_to_graph": false,
    "testnet": false,
    "chains": [
        {
            "chain": "bitcoin",
            "network": "regtest"
        }
    ],
    "uris": [],
    "features": {},
    "require_htlc_interceptor": true,
    "store_final_htlc_resolutions": true
}
`;

const HTLC = `{
                    "incoming": true,
                    "amount": "30000",
                    "hash_lock": "${HASH}",
                    "expiration_height": 200,
                    "htlc_index": "4",
                    "forwarding_channel": "0",
                    "forwarding_htlc_index": "0",
                    "locked_in": true
                }`;

const channel = (ids: string) => `{
    "channels": [
        {
            "active": true,
            "remote_pubkey": "${BOB}",
            "channel_point": "${FUNDING}:1",
            ${ids},
            "capacity": "10000000",
            "local_balance": "9964310",
            "remote_balance": "0",
            "commit_fee": "2810",
            "commit_weight": "772",
            "fee_per_kw": "2500",
            "unsettled_balance": "30000",
            "total_satoshis_sent": "0",
            "total_satoshis_received": "0",
            "num_updates": "3",
            "pending_htlcs": [
                ${HTLC}
            ],
            "csv_delay": 4,
            "private": true,
            "initiator": true,
            "chan_status_flags": "ChanStatusDefault",
            "commitment_type": "ANCHORS",
            "zero_conf": false,
            "zero_conf_confirmed_scid": "0",
            "peer_alias": "",
            "peer_scid_alias": "0",
            "memo": "",
            "custom_channel_data": ""
        }
    ]
}
`;

/** Of releases that print `scid`; the channel id is that of BOLT 2. */
export const LIST_CHANNELS = channel(
  `"chan_id": "e76fa2bdd1d1d8dc29707c9f9b8df226a46adf60150d3cce6c90dd8f9ccbe9d1",
            "scid": "222101348876289",
            "scid_str": "202x1x1"`,
);

/** Of releases before. */
export const LIST_CHANNELS_OLD = channel('"chan_id": "222101348876289"');

export const PENDING_CHANNELS = `{
    "total_limbo_balance": "9800000",
    "pending_open_channels": [],
    "pending_closing_channels": [],
    "pending_force_closing_channels": [
        {
            "channel": {
                "remote_node_pub": "${BOB}",
                "channel_point": "${FUNDING}:1",
                "capacity": "10000000",
                "local_balance": "0",
                "remote_balance": "9800000",
                "initiator": "INITIATOR_REMOTE",
                "private": true
            },
            "closing_txid": "${'2c'.repeat(32)}",
            "limbo_balance": "0",
            "maturity_height": 0,
            "blocks_til_maturity": 0,
            "recovered_balance": "0",
            "pending_htlcs": [],
            "anchor": "LIMBO"
        }
    ],
    "waiting_close_channels": []
}
`;

export const CHANNEL_BALANCE = `{
    "balance": "30004",
    "pending_open_balance": "0",
    "local_balance": {
        "sat": "30004",
        "msat": "30004010"
    },
    "remote_balance": {
        "sat": "9900000",
        "msat": "9900000000"
    },
    "unsettled_local_balance": {
        "sat": "0",
        "msat": "0"
    }
}
`;

const hop = (pubkey: string, scid: string, fee: string) => `{
                    "chan_id": "${scid}",
                    "chan_capacity": "10000000",
                    "amt_to_forward": "30000",
                    "fee": "4",
                    "expiry": 158,
                    "amt_to_forward_msat": "30000000",
                    "fee_msat": "${fee}",
                    "pub_key": "${pubkey}",
                    "tlv_payload": true,
                    "mpp_record": null,
                    "custom_records": {},
                    "metadata": ""
                }`;

const attempt = (status: string, failure: string, preimage: string) => `{
    "attempt_id": "7",
    "status": "${status}",
    "route": {
        "total_time_lock": 200,
        "total_fees": "4",
        "total_amt": "30004",
        "hops": [
            ${hop(ALICE, '222101348876289', '4000')},
            ${hop(`02${'ee'.repeat(32)}`, '18446744073709551000', '0')}
        ],
        "total_fees_msat": "4000",
        "total_amt_msat": "30004000",
        "first_hop_amount_msat": "30004000",
        "custom_channel_data": ""
    },
    "attempt_time_ns": "1771459200000000000",
    "resolve_time_ns": "0",
    "failure": ${failure},
    "preimage": "${preimage}"
}`;

export const failureOf = (code: string, source: number) => `{
        "code": "${code}",
        "channel_update": null,
        "htlc_msat": "30000000",
        "onion_sha_256": "",
        "cltv_expiry": 0,
        "flags": 0,
        "failure_source_index": ${source},
        "height": 118
    }`;

export const ATTEMPT_SETTLED = `${attempt('SUCCEEDED', 'null', PREIMAGE)}\n`;
export const ATTEMPT_FAILED = `${attempt('FAILED', failureOf('MPP_TIMEOUT', 2), '')}\n`;

export const payment = (status: string, htlcs: readonly string[]) => `{
    "payment_hash": "${HASH}",
    "value": "30000",
    "creation_date": "1771459200",
    "fee": "4",
    "payment_preimage": "${status === 'SUCCEEDED' ? PREIMAGE : '0'.repeat(64)}",
    "value_sat": "30000",
    "value_msat": "30000000",
    "payment_request": "lnbcrt1",
    "status": "${status}",
    "fee_sat": "4",
    "fee_msat": "4000",
    "creation_time_ns": "1771459200000000000",
    "htlcs": [${htlcs.join(', ')}],
    "payment_index": "1",
    "failure_reason": "${status === 'FAILED' ? 'FAILURE_REASON_NO_ROUTE' : 'FAILURE_REASON_NONE'}",
    "first_hop_custom_records": {}
}
`;

export const HTLC_IN_FLIGHT = attempt('IN_FLIGHT', 'null', '');
export const HTLC_SETTLED = attempt('SUCCEEDED', 'null', PREIMAGE);
