import { describe, expect, it } from 'vitest'
import { jsonCodec } from '../../processors/core/codec.ts'
import { aggregate } from '../../processors/operators/aggregate.ts'
import { keyBy } from '../../processors/operators/key-by.ts'
import { process } from '../../processors/operators/process.ts'
import { tumblingWindows } from '../../processors/operators/windows.ts'
import { order, orders, sum, totals } from '../../test/shop-topology.ts'
import { toCallback } from '../records/sinks.ts'
import { topologyDriver } from './topology-driver.ts'

describe('time', () => {
  it('stands still while a partition is silent, until the wall clock says that it is idle', () => {
    const driver = topologyDriver(totals, { partitions: 2 })
    driver.pipe('shop.orders', [order('1', 60_000, 5)])
    driver.commit()
    const at = [0, 1].map((partition) => driver.watermark('orders.before-by-customer', partition))
    expect([...at].sort()).toEqual([Number.NEGATIVE_INFINITY, 59_999])
    expect([0, 1].map((partition) => driver.watermark('orders', partition))).toEqual([-Infinity, -Infinity])
    driver.advanceWallClock('3s')
    driver.commit()
    expect([0, 1].map((partition) => driver.watermark('orders', partition))).toEqual([59_999, 59_999])
  })

  it('goes on behind a stage that is waited for: only sources are idle, not those who read what was not committed yet', () => {
    const twice = orders
      .pipe(
        keyBy('by-customer', { key: ({ customer }) => customer, partitions: 3 }),
        keyBy('in-one', { key: () => 'all', partitions: 1 }),
        aggregate('sums', { window: tumblingWindows('10s'), allowedLateness: 0, aggregate: sum }),
      )
      .to(toCallback('tell', () => undefined))
    const driver = topologyDriver(twice, { partitions: 1 })
    driver.pipe('shop.orders', [order('1', 1000, 1)])
    driver.advanceWallClock('3s')
    driver.commit({ stage: 'orders.before-in-one' })
    const later = Array.from({ length: 40 }, (_, i) => order(`${i}`, i * 1000, 1, `customer ${i % 7}`))
    driver.pipe('shop.orders', later)
    driver.commit()
    expect(driver.late()).toEqual([])
  })

  it('fires processing-time timers when the clock is moved', () => {
    const reminded = orders
      .pipe(
        process('remind', {
          state: jsonCodec<number>(),
          onRecord: ({ timers, emit }) => {
            timers.processingTime(5000)
            emit('seen')
          },
          onTimer: ({ emit }) => emit('reminded'),
        }),
      )
      .to(toCallback('tell', () => undefined))
    const driver = topologyDriver(reminded, { partitions: 1, startMs: 1000 })
    driver.pipe('shop.orders', [order('1', 1, 5)])
    driver.advanceWallClock('3900ms')
    driver.commit()
    expect(driver.callbacks('tell').map(({ value }) => value)).toEqual(['seen'])
    driver.advanceWallClock('200ms')
    driver.commit()
    expect(driver.callbacks('tell').map(({ value }) => value)).toEqual(['seen', 'reminded'])
    expect(driver.now).toBe(5100)
    expect(driver.stateBytes()).toBe(0)
  })

  it('leaves no state of a window when its lateness is over', () => {
    const driver = topologyDriver(totals, { partitions: 1 })
    driver.pipe('shop.orders', [order('1', 2000, 5)])
    driver.commit()
    expect([...driver.state('orders').keys()]).toEqual(['orders sums'])
    expect(driver.stateBytes()).toBeGreaterThan(0)
    // Too large for the sums: it only moves time.
    driver.pipe('shop.orders', [order('2', 15_000, 1000)])
    driver.commit()
    expect(driver.stateBytes()).toBe(0)
  })
})

describe('a crash', () => {
  const start = () => {
    const driver = topologyDriver(totals, { partitions: 1 })
    driver.pipe('shop.orders', [order('1', 2000, 5), order('2', 11_000, 1)])
    return driver
  }
  const published = ({ topic: read }: ReturnType<typeof start>) => read('shop.totals').map(({ id }) => id)

  it('before the commit changes nothing', () => {
    const driver = start()
    driver.crash()
    expect(driver.table('totals')).toEqual([])
    driver.commit()
    expect(driver.table('totals')).toEqual([{ customer: 'ann', start: 0, amount: 5 }])
    expect(published(driver)).toEqual(['orders/0/1'])
  })

  it('between the commit and what it owes leaves that to the next owner', () => {
    const driver = start()
    driver.commit({ dies: true })
    expect(driver.table('totals')).toEqual([{ customer: 'ann', start: 0, amount: 5 }])
    expect(published(driver)).toEqual(['orders/0/1'])
  })

  it('after both publishes once more, under the same id', () => {
    const driver = start()
    driver.commit()
    driver.crash({ stage: 'orders' })
    driver.commit()
    expect(published(driver)).toEqual(['orders/0/1', 'orders/0/1'])
    expect(driver.table('totals')).toEqual([{ customer: 'ann', start: 0, amount: 5 }])
  })

  it('of an upstream stage repeats records, which the next stage drops and counts', () => {
    const driver = start()
    driver.commit()
    driver.crash({ stage: 'orders.before-by-customer' })
    driver.pipe('shop.orders', [order('3', 3000, 2)])
    driver.commit()
    expect(driver.table('totals')).toEqual([{ customer: 'ann', start: 0, amount: 7 }])
    const [before, after] = driver.counts()
    expect(before).toMatchObject({ in: 3, used: 3, duplicate: 0, breach: 0 })
    expect(after).toMatchObject({ used: 3, breach: 0 })
    expect(after?.duplicate).toBeGreaterThan(1)
  })
})
