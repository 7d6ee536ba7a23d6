import { describe } from 'vitest'
import { candleCases } from './contract/candle-cases.ts'
import { commitCases } from './contract/commit-cases.ts'
import { noteCases } from './contract/note-cases.ts'
import { repartitionCases } from './contract/repartition-cases.ts'
import { type StoreUnderTest, useStore } from './contract/store-rig.ts'
import { takeoverCases } from './contract/takeover-cases.ts'

/** What every adapter of the candle store does alike. */
export function candleStoreContract(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`candle store contract: ${name}`, () => {
    const rig = useStore(make)
    candleCases(rig)
    commitCases(rig)
    repartitionCases(rig)
    takeoverCases(rig)
    noteCases(rig)
  })
}
