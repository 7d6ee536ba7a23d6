import { describe, expect, it } from 'vitest'
import { record, watermark } from '../../topology/testing/elements.ts'
import { driveFlow } from '../../topology/testing/flow-driver.ts'
import { flowMarbles } from '../../topology/testing/marbles.ts'
import { jsonCodec } from '../core/codec.ts'
import type { Tagged } from '../core/tagged.ts'
import { joinTable } from './join-table.ts'

interface Quote {
  readonly bid: number
  readonly isHalted?: boolean
}
type Streams = Tagged<{ trades: number; quotes: Quote }>
const trade = (key: string, size: number, eventTime = 10) =>
  record<Streams>(key, eventTime, { from: 'trades', value: size })
const quote = (key: string, value: Quote, eventTime = 10) => record<Streams>(key, eventTime, { from: 'quotes', value })

const quoted = () =>
  joinTable('quoted', {
    ...{ stream: 'trades', table: 'quotes', codec: jsonCodec<number>() },
    toTable: ({ bid, isHalted = false }: Quote) => (isHalted ? undefined : bid),
    select: (size: number, bid) => `${size} at ${bid ?? 'none'}`,
  })

describe('joinTable', () => {
  it('gives each record the latest row of its key, in the order of the log', () => {
    flowMarbles(quoted())
      .given('-t-q-t-r-t-|', { t: trade('k', 1), q: quote('k', { bid: 5 }), r: quote('k', { bid: 6 }) })
      .gives('-A---B---C-|', {
        A: record('k', 10, '1 at none', 0),
        B: record('k', 10, '1 at 5', 2),
        C: record('k', 10, '1 at 6', 4),
      })
  })
  it('does not look at event times: a row of the future is the latest too', () => {
    flowMarbles(quoted())
      .given('-q-t-|', { q: quote('k', { bid: 5 }, 999), t: trade('k', 1, 3) })
      .gives('---A-|', { A: record('k', 3, '1 at 5') })
  })
  it('knows no row of another key', () => {
    flowMarbles(quoted())
      .given('-q-t-|', { q: quote('j', { bid: 5 }), t: trade('k', 1) })
      .gives('---A-|', { A: record('k', 10, '1 at none') })
  })
  it('deletes the row where toTable gives undefined', () => {
    flowMarbles(quoted())
      .given('-q-d-t-|', { q: quote('k', { bid: 5 }), d: quote('k', { bid: 0, isHalted: true }), t: trade('k', 1) })
      .gives('-----A-|', { A: record('k', 10, '1 at none') })
  })
  it('keeps values as rows without toTable; null deletes', () => {
    type Named = Tagged<{ visits: string; names: string | null }>
    const named = joinTable('named', {
      ...{ stream: 'visits', table: 'names', codec: jsonCodec<string>() },
      select: (page: string, name) => (name === undefined ? undefined : `${name} ${page}`),
    })
    const visit = record<Named>('u', 1, { from: 'visits', value: '/' })
    flowMarbles(named)
      .given('-v-n-v-d-v-|', {
        v: visit,
        n: record<Named>('u', 1, { from: 'names', value: 'ann' }),
        d: record<Named>('u', 1, { from: 'names', value: null }),
      })
      .gives('-----A-----|', { A: record('u', 1, 'ann /') })
  })
  it('refuses the record whose function throws, and keeps the row', () => {
    const picky = joinTable('quoted', {
      ...{ stream: 'trades', table: 'quotes', codec: jsonCodec<number>() },
      toTable({ bid }: Quote) {
        if (bid < 0) throw new RangeError('a bid is > 0')
        return bid
      },
      select: (size: number, bid) => size / (bid ?? 1),
    })
    const { refused } = flowMarbles(picky)
      .given('-q-x-t-|', { q: quote('k', { bid: 5 }), x: quote('k', { bid: -1 }), t: trade('k', 10) })
      .gives('-----A-|', { A: record('k', 10, 2) })
    expect(refused).toEqual([{ offset: 1, key: 'k', stepId: 'quoted', result: 'rejected', detail: 'a bid is > 0' }])
  })
  it('goes on after a restart from changes, deletions included', () => {
    const flow = driveFlow(quoted())
    flow.push(quote('k', { bid: 5 }), quote('j', { bid: 6 }))
    flow.restart()
    flow.push(quote('k', { bid: 0, isHalted: true }), quote('i', { bid: 7 }), watermark(10))
    flow.restart({ full: false })
    expect(
      flow.push(trade('k', 1), trade('j', 1), trade('i', 1)).map((e) => e.kind === 'rows' && e.rows.value),
    ).toEqual([...['1 at none', '1 at 6', '1 at 7']])
  })
})
