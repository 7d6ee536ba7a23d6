/**
 * Control records stand between the ticks of a partition, in order with them; the header `redwick` carries their kind.
 * Each is written by the producer that writes the line's ticks.
 */
export type ControlRecord =
  /** Covered without interruption from `from` to `to` in exchange time; sent after every tick <= `to`. */
  | {
      readonly kind: 'heartbeat'
      readonly line: string
      readonly from: number
      readonly to: number
      readonly cursor: string | null
    }
  /** The line is over: its windows close. */
  | { readonly kind: 'end'; readonly line: string }
  /** From here on the symbol belongs to `line`; without effect where it already does. */
  | { readonly kind: 'move'; readonly line: string; readonly symbol: string }
  /** History up to the offset `upTo` of the same partition of `ticks.history` (exclusive) applies here. */
  | { readonly kind: 'history'; readonly line: string; readonly upTo: number }
  /** The key `symbol` is no longer held: its ticks since it was are judged here. Written by `npm run quarantine`. */
  | { readonly kind: 'release'; readonly line: string; readonly symbol: string }
  /** Input that the feed could not read, with its place in the source; becomes a dead letter. */
  | {
      readonly kind: 'reject'
      readonly line: string
      readonly source: string
      readonly position: number
      readonly reason: string
      readonly detail: string
      readonly payload: string
    }

export type ControlKind = ControlRecord['kind']

/** Header that marks a control record; its value is the kind. */
export const controlHeader = 'redwick'

/** One Avro record for all kinds: unused fields hold their defaults. */
export const controlAvro = {
  type: 'record',
  name: 'Control',
  namespace: 'redwick',
  fields: [
    { name: 'kind', type: 'string' },
    { name: 'line', type: 'string' },
    { name: 'symbol', type: 'string', default: '' },
    { name: 'from', type: 'long', default: 0 },
    { name: 'to', type: 'long', default: 0 },
    { name: 'cursor', type: ['null', 'string'], default: null },
    { name: 'source', type: 'string', default: '' },
    { name: 'position', type: 'long', default: 0 },
    { name: 'reason', type: 'string', default: '' },
    { name: 'detail', type: 'string', default: '' },
    { name: 'payload', type: 'string', default: '' },
    { name: 'upTo', type: 'long', default: 0 },
  ],
} as const
