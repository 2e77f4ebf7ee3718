/**
 * The statements of the Go program, written as its driver sends them: simple queries with the values in the text,
 * one round trip each. Bytes are hex digits.
 */
const bytes = (hex: string) => `'\\x${hex}'`;

/** Before each HTLC: is there such an invoice? There is none: the transaction ends. */
export const readMiss = (hash: string) => [
  'BEGIN',
  `SELECT "invoice"."hash", "invoice"."preimage", "invoice"."amount_msat", "invoice"."sequence_num",
    "invoice"."status", "invoice"."settle_requested_at", "invoice"."finalized_at"
    FROM "lnmux"."invoices" AS "invoice" WHERE (hash = ${bytes(hash)}) FOR SHARE`,
  'ROLLBACK',
];

export interface GoPart {
  readonly hash: string;
  readonly preimage: string;
  readonly node: string;
  readonly htlcId: number;
}

/** One settle: invoice and part in a transaction. */
export const requestSettle = ({ hash, preimage, node, htlcId }: GoPart) => [
  'BEGIN',
  `INSERT INTO "lnmux"."invoices" ("settle_requested_at", "hash", "preimage", "amount_msat", "sequence_num", "status",
    "finalized_at") VALUES (now(), ${bytes(hash)}, ${bytes(preimage)}, 1000000, DEFAULT, 'SETTLE_REQUESTED', NULL)
    RETURNING "sequence_num"`,
  `INSERT INTO "lnmux"."htlcs" ("settle_requested_at", "hash", "chan_id", "htlc_id", "amount_msat", "node", "status",
    "finalized_at") VALUES (now(), ${bytes(hash)}, 769658139509555200, ${htlcId}, 1000000, ${bytes(node)},
    'SETTLE_REQUESTED', NULL)`,
  'COMMIT',
];

/** One final part: the part, its invoice locked, the change, whether others are open, the invoice. */
export const markFinal = ({ hash, node, htlcId }: GoPart) => {
  const key = `(node = ${bytes(node)} AND chan_id = 769658139509555200 AND htlc_id = ${htlcId})`;
  return [
    'BEGIN',
    `SELECT "htlc"."hash", "htlc"."status" FROM "lnmux"."htlcs" AS "htlc" WHERE ${key}`,
    `SELECT "invoice"."hash", "invoice"."status" FROM "lnmux"."invoices" AS "invoice"
      WHERE (hash = ${bytes(hash)}) FOR UPDATE`,
    `UPDATE "lnmux"."htlcs" AS "htlc" SET status = 'SETTLED', finalized_at = now()
      WHERE ${key} AND (status = 'SETTLE_REQUESTED')`,
    `SELECT count(*) FROM "lnmux"."htlcs" AS "htlc" WHERE (hash = ${bytes(hash)}) AND (status != 'SETTLED')`,
    `UPDATE "lnmux"."invoices" AS "invoice" SET status = 'SETTLED', finalized_at = now()
      WHERE (hash = ${bytes(hash)}) AND (status = 'SETTLE_REQUESTED')`,
    'COMMIT',
  ];
};
