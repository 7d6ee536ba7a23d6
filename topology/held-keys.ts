import type { PartitionCheckpoint, Quarantine } from '../ports/candle-store.ts'
import { invariant } from '../schemas/errors.ts'
import type { Interner } from '../schemas/interner.ts'
import { packStates } from './packed-state.ts'
import type { Suspect } from './stage.ts'

const errorLengthMax = 500

/** The keys of one partition that are held, under one epoch: those of the checkpoint, and new ones from it on. */
export interface HeldKeys {
  readonly size: number
  /** By the worker's id. */
  isHeld(symbol: number): boolean
  get(symbol: string): Quarantine | undefined
  /** Offset of the first record that is held. */
  readonly from: number | undefined
  /** Makes the rows of new ones, once the state is read: history is applied up to this offset (exclusive) in it. */
  keep(historyAppliedTo: number): void
  /** New ones that no commit has. */
  readonly added: readonly Quarantine[]
  takeAdded(): readonly Quarantine[]
  /** Offset of `ticks.history` from which on it is needed, where all else needs it from `appliedTo` on. */
  historyFrom(appliedTo: number): number
}

export interface HeldKeysOptions {
  readonly checkpoint: PartitionCheckpoint
  readonly suspects: readonly Suspect[]
  readonly symbols: Interner
}

export function createHeldKeys({ checkpoint, suspects, symbols }: HeldKeysOptions): HeldKeys {
  const { nextOffset, quarantines, states } = checkpoint
  const rows = new Map(quarantines.map((row) => [row.symbol, row]))
  // What failed before the checkpoint was held there, or released since.
  const fresh = suspects.filter(({ symbol, offset }) => offset >= nextOffset && !rows.has(symbol))
  const ids = new Set([...rows.keys(), ...fresh.map(({ symbol }) => symbol)].map((name) => symbols.internName(name)))
  const state = fresh.length === 0 ? undefined : packStates(states)
  let added: readonly Quarantine[] = []
  return {
    get size() {
      return ids.size
    },
    isHeld: (symbol) => ids.has(symbol),
    get: (symbol) => rows.get(symbol),
    get from() {
      return rows.size === 0 ? undefined : Math.min(...[...rows.values()].map(({ heldFrom }) => heldFrom))
    },
    keep(historyFrom) {
      if (state === undefined) return
      added = fresh.map(({ symbol, offset, error }): Quarantine => {
        const row = { symbol, heldFrom: nextOffset, failedAt: offset, error: error.slice(0, errorLengthMax) }
        return { ...row, historyFrom, state }
      })
      for (const row of added) rows.set(row.symbol, row)
      invariant(rows.size === ids.size, 'every held key has a row')
    },
    get added() {
      return added
    },
    takeAdded() {
      const taken = added
      added = []
      return taken
    },
    historyFrom: (appliedTo) => Math.min(appliedTo, ...[...rows.values()].map((row) => row.historyFrom)),
  }
}
