/** Exit statuses of both programs. */
export const EXIT = {
  ok: 0,
  /** The work failed; for lnmuxcli: the server refused. */
  failed: 1,
  usage: 2,
  /** lnmuxcli only: the server can't be reached. */
  unreachable: 3,
} as const;
