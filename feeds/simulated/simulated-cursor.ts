import { z } from 'zod'
import { FatalError } from '../../schemas/errors.ts'
import type { SymbolState } from './symbol-slot.ts'

/** Where a partition of a simulation stopped. */
export interface SimulatedCursor {
  /** Last slot that is done. */
  readonly slot: number
  readonly symbols: ReadonlyMap<string, SymbolState>
}

const cursorShape = z.object({
  slot: z.int(),
  symbols: z.record(z.string(), z.tuple([z.int().positive(), z.number().positive(), z.number().positive()])),
})

/** Compact JSON `{slot, symbols: {symbol: [nextId, mid, volatility]}}`; numbers read back exactly. */
export function cursorText(slot: number, symbols: Iterable<readonly [string, SymbolState]>): string {
  const entries = [...symbols].map(
    ([symbol, { nextId, mid, volatility }]) => [symbol, [nextId, mid, volatility]] as const,
  )
  const byName: Readonly<Record<string, readonly number[]>> = Object.fromEntries(entries)
  return JSON.stringify({ slot, symbols: byName })
}

/** @throws {FatalError} `CURSOR_UNREADABLE` when the text is not a cursor of a simulation. */
export function cursorOfText(text: string): SimulatedCursor {
  try {
    const { slot, symbols } = cursorShape.parse(JSON.parse(text))
    const states = Object.entries(symbols).map(
      ([symbol, [nextId, mid, volatility]]) => [symbol, { nextId, mid, volatility }] as const,
    )
    return { slot, symbols: new Map(states) }
  } catch (error) {
    throw new FatalError({
      code: 'CURSOR_UNREADABLE',
      message: 'The last heartbeat of the simulation holds no cursor that can be read',
      why: `It is ${text.slice(0, 200)}`,
      hint: 'Another feed wrote this line: give the simulation a line of its own, or begin with an empty topic',
      cause: error,
    })
  }
}
