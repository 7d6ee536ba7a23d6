import type { Candle } from '../schemas/candle.ts'
import { candleRow } from './candle-text.ts'
import type { Joined } from './join.ts'
import { limits } from './messages.ts'

/** Why a snapshot is sent: the first two replace all the client holds, the others add to it; `open` always replaces. */
export type SnapshotReason = 'initial' | 'reset' | 'epoch' | 'lagging'

/** What a receiver is sent of a channel's final candles. */
export interface SnapshotPart {
  readonly rows: readonly Candle[]
  readonly reason: SnapshotReason
  /** With it the receiver holds what is final up to this `seq`. */
  readonly seq: number
}

/** Everything, for a receiver that holds nothing: the newest `rowsMax` rows. */
export function wholePart(joined: Joined, rowsMax: number, reason: 'initial' | 'reset'): SnapshotPart {
  const rows = rowsMax === 0 ? [] : joined.rows.slice(-rowsMax)
  return { rows, reason, seq: joined.lacksRows ? 0 : joined.seq }
}

/** Rows above `held`, or all of them as a `reset` where that may leave some out. Without the table, `held` stays. */
export function partSince(joined: Joined, held: number, reason: 'epoch' | 'lagging'): SnapshotPart {
  const rows = joined.rows.filter((row) => row.seq > held)
  if (joined.lacksRows) return { rows, reason, seq: held }
  if (rows.length < joined.rows.length || joined.rows.length < limits.snapshot) return { rows, reason, seq: joined.seq }
  return wholePart(joined, limits.snapshot, 'reset')
}

/** Text of a `snapshot` message. */
export function snapshotText(ch: number, joined: Joined, { rows, reason, seq }: SnapshotPart): string {
  return JSON.stringify({
    type: 'snapshot',
    ch,
    e: joined.e,
    q: joined.q,
    reason,
    cols: ['t', 'o', 'h', 'l', 'c', 'v', 'n'],
    rows: rows.map(candleRow),
    open: joined.open.map(candleRow),
    seq,
  })
}
