import type { CandleStore, Commit } from '../ports/candle-store.ts'
import { createMemoryTables as createTables } from '../topology/testing/memory-tables.ts'

interface MemoryTables {
  readonly ensureTable: CandleStore['ensureTable']
  readonly rows: CandleStore['rows']
  /** Throws before anything is changed. */
  check(commit: Commit): void
  apply(commit: Commit): void
}

/** Tables of topologies, in memory, as a store has them. */
export function createMemoryTables(): MemoryTables {
  const tables = createTables()
  return {
    ...tables,
    ensureTable: async (spec) => tables.ensureTable(spec),
    rows: async (name, options) => tables.rows(name, options),
  }
}
