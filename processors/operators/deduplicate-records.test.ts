import { describe, expect, it } from 'vitest'
import { record, watermark } from '../../topology/testing/elements.ts'
import { driveFlow } from '../../topology/testing/flow-driver.ts'
import { flowMarbles } from '../../topology/testing/marbles.ts'
import { deduplicate } from './deduplicate.ts'

interface Order {
  readonly id: string | number
}
const order = (key: string, eventTime: number, id: string | number) => record<Order>(key, eventTime, { id })
const once = () => deduplicate('once', { by: ({ id }: Order) => id, within: 10 })

describe('deduplicate with by', () => {
  it('lets the first of an id by, and refuses the others', () => {
    const { refused } = flowMarbles(once())
      .given('-a-b-c-|', { a: order('k', 10, 1), b: order('k', 11, 2), c: order('k', 12, 1) })
      .gives('-a-b---|', { a: order('k', 10, 1), b: order('k', 11, 2) })
    expect(refused).toEqual([{ offset: 2, key: 'k', stepId: 'once', result: 'duplicate', detail: 'id 1 was seen' }])
  })
  it('knows ids by key, and a number from its text', () => {
    const given = { a: order('k', 10, 1), b: order('j', 10, 1), c: order('k', 10, '1') }
    flowMarbles(once()).given('-a-b-c-|', given).gives('-a-b-c-|', given)
  })
  it('forgets an id when the watermark has passed it by the horizon', () => {
    const [a, b, c] = [order('k', 10, 1), order('k', 19, 1), order('k', 21, 1)]
    flowMarbles(once())
      .given('-a-v-b-w-c-|', { a, v: watermark(19), b, w: watermark(20), c })
      .gives('-a-v---w-c-|', { a, c })
  })
  it('lets by what is older than the horizon: nobody can tell', () => {
    const old = order('k', 5, 1)
    flowMarbles(once())
      .given('-w-o-o-|', { w: watermark(15), o: old })
      .gives('-w-o-o-|', { o: old })
  })
  it('refuses the record whose function throws', () => {
    const picky = deduplicate('once', {
      within: 10,
      by({ id }: Order) {
        if (id === 0) throw new RangeError('no id')
        return id
      },
    })
    const { refused } = flowMarbles(picky)
      .given('-o-|', { o: order('k', 5, 0) })
      .gives('---|')
    expect(refused.map(({ result, detail }) => [result, detail])).toEqual([['rejected', 'no id']])
  })
  it('remembers over a restart, from changes too, and holds nothing when all is forgotten', () => {
    const flow = driveFlow(once())
    const empty = flow.state().get('once')?.length
    flow.push(order('k', 10, 1))
    flow.restart()
    flow.push(order('k', 11, 'b'))
    flow.restart({ full: false })
    expect(flow.push(order('k', 12, 1), order('k', 12, 'b'))).toEqual([])
    flow.push(watermark(21))
    expect(flow.state().get('once')?.length).toBe(empty)
  })
})
